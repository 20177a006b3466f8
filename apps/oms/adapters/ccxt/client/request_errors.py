"""The exceptions of requests to an exchange: every failure becomes one of five.

RequestError
    NotSent          no byte was sent; the request may be sent again, under the same client id
    Rejected         the exchange refused it; nothing was created
    Overloaded       refused for load, not executed; may be sent again after the pause
    OutcomeUnknown   none of these is proven; query the outcome, never resend
    ReadFailed       a read without a result; nothing changes

"No byte was sent" is proven by the session's trace hook, never by a class: a refused and a reset
connection look alike in ccxt.
"""

from collections.abc import Mapping
from typing import Any

from oms.domain.value import value


class HostMismatch(Exception):
    """A request was about to be sent to a host outside the account's environment."""


class UnexpectedRedirect(Exception):
    """The venue redirected a request; the redirect was not followed."""


class UnreadableReply(Exception):
    """An HTTP success with a body that is no JSON, or without the venue's success marker."""


class MissingOrderId(Exception):
    """A write was answered without the id of its order."""


@value
class HttpReply:
    """The reply to a request; ``is_accepted`` once it was found to be a success."""

    status: int
    headers: Mapping[str, str]
    body: str
    url: str = ""
    is_accepted: bool = False


class RequestError(Exception):
    """``message`` has at most 500 characters, without keys and signatures."""

    headers_sent = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        reason: str | None = None,
        venue_code: str | None = None,
        ccxt_class: str = "",
        http_status: int | None = None,
        retry_after: float | None = None,
        headers_sent: bool | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.reason = reason
        self.venue_code = venue_code
        self.ccxt_class = ccxt_class
        self.http_status = http_status
        #: Seconds to wait before the next attempt, where one is allowed.
        self.retry_after = retry_after
        if headers_sent is not None:
            self.headers_sent = headers_sent


class NotSent(RequestError):
    """No byte of the request was sent."""


class Rejected(RequestError):
    """The exchange refused the request; nothing was created."""

    headers_sent = True


class Overloaded(RequestError):
    """Refused for load and not executed; ``retry_after`` is always set."""

    headers_sent = True
    retry_after: float


class OutcomeUnknown(RequestError):
    """Perhaps executed, the reply is lost. ``duplicate_client_id``: the order exists."""

    headers_sent = True

    @property
    def cause(self) -> str:
        """Why the outcome is unknown."""
        return self.reason or self.code


class ReadFailed(RequestError):
    """A failed read; ``retryable`` if another attempt may succeed."""

    def __init__(self, code: str, message: str, *, retryable: bool, **more: Any) -> None:
        super().__init__(code, message, **more)
        self.retryable = retryable
