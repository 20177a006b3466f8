"""Error model: refusals are values, failures of the environment are ``OmsError`` exceptions.

A *refusal* (``Refused``) is a regular result: the request was understood and is not executed. It is
returned, never raised, and carries a stable code. An ``OmsError`` is raised if the database, the
exchange or the credentials of a caller fail. Bugs are assertions and crash the process.

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
    """A refused request.

    ``code`` is a stable code of the error table, ``reason`` a subcode. ``limit``, ``value`` and
    ``set_by`` say which limit was violated, by what value, and who set it.
    """

    code: str
    message: str
    reason: str | None = None
    limit: Decimal | None = None
    value: Decimal | None = None
    set_by: str | None = None
    #: Outcome at the exchange: not_sent, rejected or unknown.
    outcome: str = "not_sent"
    #: Additional named details, returned with the other fields.
    facts: Mapping[str, str | None] | None = None


class OmsError(Exception):
    """A failure of the environment, with a stable code and a message in English."""

    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.reason = reason


class Unauthenticated(OmsError):
    """No valid credential was sent."""

    code = "invalid_api_key"


class Forbidden(OmsError):
    """The caller is known but has no permission."""

    code = "permission_denied"


class NotFound(OmsError):
    """The named object does not exist or is not visible to the caller."""

    code = "not_found"


class Invalid(OmsError):
    """The request is well formed but its content is invalid."""

    code = "validation_error"


class Conflict(OmsError):
    """The current state of the object does not allow the request."""

    code = "conflict"


class LimitReached(Conflict):
    """A request exceeds a configured limit; ``set_by`` names the setting."""

    def __init__(self, message: str, *, reason: str, limit: int, value: int, set_by: str) -> None:
        super().__init__(message, reason=reason)
        self.limit = Decimal(limit)
        self.value = Decimal(value)
        self.set_by = set_by


class RateLimited(OmsError):
    """Too many requests; the same request may be repeated after ``retry_after_seconds``."""

    code = "rate_limited"

    def __init__(
        self, message: str, *, reason: str | None = None, retry_after_seconds: int = 1
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(OmsError):
    """A required component does not respond; nothing was sent to an exchange."""

    code = "database_unavailable"


class LeaseLost(OmsError):
    """Another worker holds the account; nothing of the transaction was written."""

    code = "lease_lost"
