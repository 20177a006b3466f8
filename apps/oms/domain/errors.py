"""How things go wrong: a refusal is a value, a failure of the world is an ``OmsError``.

A *refusal* (``Refused``) is an ordinary answer: the wish was understood and is not granted. It is
returned, never raised, and carries a stable code. An ``OmsError`` is raised: the world (database,
exchange, a caller's credentials) did not behave. Bugs are assertions and crash the process.

OmsError
    Unauthenticated      missing_api_key, invalid_api_key
    Forbidden            permission_denied, admin_required, ...
    NotFound             account_not_found, order_not_found, ...
    Unavailable          database_unavailable, engine_unavailable, shutting_down
    LeaseLost            this worker may no longer write the account
"""

from collections.abc import Mapping
from decimal import Decimal

from oms.domain.value import value


@value
class Refused:
    """A wish that is not granted.

    ``code`` is a stable word of the error table; ``reason`` a finer word under a broad code;
    ``limit``, ``value`` and ``set_by`` tell which limit was met, by what, and who set it.
    """

    code: str
    message: str
    reason: str | None = None
    limit: Decimal | None = None
    value: Decimal | None = None
    set_by: str | None = None
    #: What happened at the exchange: not_sent, rejected or unknown.
    outcome: str = "not_sent"
    #: Finer facts under names of their own, told beside the others.
    facts: Mapping[str, str | None] | None = None


class OmsError(Exception):
    """A failure of the world, with a stable code and one English sentence for people."""

    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.reason = reason


class Unauthenticated(OmsError):
    """No credential was sent, or none that counts."""

    code = "invalid_api_key"


class Forbidden(OmsError):
    """Who asks is known, and may not."""

    code = "permission_denied"


class NotFound(OmsError):
    """What was named does not exist, or not for the one who asks."""

    code = "not_found"


class Invalid(OmsError):
    """The request is understood but its content is wrong."""

    code = "validation_error"


class Conflict(OmsError):
    """The state of what is named does not allow it."""

    code = "conflict"


class RateLimited(OmsError):
    """Too much at once; the same request may be repeated after ``retry_after_seconds``."""

    code = "rate_limited"

    def __init__(
        self, message: str, *, reason: str | None = None, retry_after_seconds: int = 1
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(OmsError):
    """A part that is needed does not answer; surely nothing was sent to an exchange."""

    code = "database_unavailable"


class LeaseLost(OmsError):
    """Another worker holds the account; nothing of this transaction was written."""

    code = "lease_lost"
