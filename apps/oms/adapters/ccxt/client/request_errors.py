"""How a request to an exchange ends badly: every failure becomes one of five exceptions.

Fault
    NotSent          surely no byte left; the worker may send again, under the same client id
    Rejected         definitely refused; nothing exists
    Overloaded       refused for load, not carried out; again after the pause
    OutcomeUnknown   none of these is proven; ask, never resend
    ReadFailed       a question without an answer; the book stays as it is

"No byte left" is proven by the session's trace hook, never by a class: a refused and a reset
connection look alike in ccxt. Names of classes are compared, so ccxt is not imported here.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from oms.adapters.ccxt.venues.error_codes import (
    ALREADY_DONE,
    CLOCK_SKEW,
    DUPLICATE,
    IN_DOUBT,
    OVERLOAD,
    CodeMeaning,
    find_code,
    find_meaning,
    parse_body,
)
from oms.domain.value import value

MESSAGE_MAX = 500
BAN_SECONDS_MIN = 120.0
_QUERY = re.compile(r"((?:https?|wss?)://[^\s?]+)\?\S*")


class HostMismatch(Exception):
    """A request was about to leave for a host that the account's environment does not know."""


class UnexpectedRedirect(Exception):
    """The venue sent a request on to another place; nobody went there."""


class UnreadableReply(Exception):
    """HTTP said well done, the body did not: no JSON, or not the venue's word for success."""


class MissingOrderId(Exception):
    """A write was answered without the id of what it made or changed."""


@value
class HttpReply:
    """What came back: ``is_accepted`` once ccxt and we took it for a success."""

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
        #: Seconds to wait before the next try, where one is allowed at all.
        self.retry_after = retry_after
        if headers_sent is not None:
            self.headers_sent = headers_sent


class NotSent(RequestError):
    """Surely no byte of the request left."""


class Rejected(RequestError):
    """Definitely refused; nothing exists."""

    headers_sent = True


class Overloaded(RequestError):
    """Refused for load, not carried out; ``retry_after`` is always there."""

    headers_sent = True
    retry_after: float


class OutcomeUnknown(RequestError):
    """Perhaps carried out, the answer is lost. ``duplicate_client_id``: it exists, find it."""

    headers_sent = True

    @property
    def cause(self) -> str:
        """What hides the outcome."""
        return self.reason or self.code


class ReadFailed(RequestError):
    """A failed read; ``retryable`` if asking again may help."""

    def __init__(self, code: str, message: str, *, retryable: bool, **more: Any) -> None:
        super().__init__(code, message, **more)
        self.retryable = retryable


#: ccxt's classes whose failure before the first byte is the caller's own, most special first.
_OWN: Sequence[tuple[str, str]] = (
    ("BadSymbol", "instrument_not_supported"),
    ("ArgumentsRequired", "validation_error"),
    ("NotSupported", "order_type_not_supported"),
    ("AuthenticationError", "auth_failed"),
    ("InvalidOrder", "precision_mismatch"),
    ("RateLimitExceeded", OVERLOAD),
    ("ExchangeClosedByUser", "engine_unavailable"),
    ("InvalidProxySettings", "extra_config_refused"),
    ("BadRequest", "validation_error"),
    ("OperationFailed", "exchange_unavailable"),
)
#: ccxt's classes that are a refusal if a parsed body with a code raised them.
_REFUSALS: Sequence[tuple[str, str, str | None]] = (
    ("InsufficientFunds", "insufficient_funds", None),
    ("OrderNotFound", "order_not_found", None),
    ("MarketClosed", "market_closed", None),
    ("InvalidOrder", "exchange_rejected", None),
    ("PermissionDenied", "auth_failed", "permission"),
    ("AuthenticationError", "auth_failed", None),
    ("BadRequest", "exchange_rejected", None),
    ("OperationRejected", "exchange_rejected", None),
)
_RETRYABLE = frozenset({"exchange_unavailable", OVERLOAD, CLOCK_SKEW, "exchange_error"})
_CAUSES = ((TimeoutError, "timeout"), (asyncio.CancelledError, "canceled"))


def classify_error(
    error: BaseException,
    *,
    headers_sent: bool,
    venue: str,
    is_write: bool,
    reply: HttpReply | None = None,
    hide: Sequence[str] = (),
) -> RequestError:
    """What ``error`` of one ccxt call was; ``reply`` is the last answer, where one came.

    ``hide`` are secrets that no message may repeat.
    """
    if isinstance(error, RequestError):
        return error
    body = parse_body(reply.body if reply is not None else str(error))
    told = _Told(
        error=error,
        names=tuple(each.__name__ for each in type(error).__mro__),
        venue_code=None if reply is not None and reply.is_accepted else find_code(body),
        reply=reply,
        headers_sent=headers_sent,
        message=sanitize_message(str(error) or type(error).__name__, hide),
    )
    text = f"{error} {reply.body if reply is not None else ''}"
    said = find_meaning(venue, told.venue_code, text)
    if headers_sent and not is_write and "OrderNotFound" in told.names:
        # ccxt says it of an answer that is a success and empty, too.
        return _read(Rejected("order_not_found", told.message, **told.more()))
    fault = _sent(told, said) if headers_sent else _unsent(told)
    return fault if is_write else _read(fault)


def sanitize_message(message: str, hide: Sequence[str] = ()) -> str:
    """A message without queries, where signatures stand, without secrets, cut to its length."""
    message = _QUERY.sub(r"\1", message)
    for secret in hide:
        if secret:
            message = message.replace(secret, "***")
    return message[:MESSAGE_MAX]


@value
class _Told:
    """All that is known of a failure."""

    error: BaseException
    names: Sequence[str]
    venue_code: str | None
    reply: HttpReply | None
    headers_sent: bool
    message: str

    @property
    def status(self) -> int | None:
        return None if self.reply is None else self.reply.status

    def more(self) -> dict[str, Any]:
        return {
            "venue_code": self.venue_code,
            "ccxt_class": self.names[0],
            "http_status": self.status,
            "headers_sent": self.headers_sent,
        }


def _unsent(told: _Told) -> NotSent:
    code, pause = "internal_error", None
    if isinstance(told.error, HostMismatch):
        code = "host_mismatch"
    elif isinstance(told.error, asyncio.CancelledError):
        code = "shutting_down"
    elif isinstance(told.error, OSError | TimeoutError):
        code = "exchange_unavailable"
    else:
        code = next((word for name, word in _OWN if name in told.names), code)
    if code in ("exchange_unavailable", OVERLOAD):
        pause = 1.0
    return NotSent(code, told.message, retry_after=pause, **told.more())


def _sent(told: _Told, said: CodeMeaning | None) -> RequestError:
    """The rows of the table, the first that fits: duplicate, load, refusal, unknown."""
    if told.reply is not None and told.reply.is_accepted:
        return _unknown(told, "unreadable")
    if "DuplicateOrderId" in told.names or (said is not None and said.code == DUPLICATE):
        return _unknown(told, DUPLICATE)
    if said is not None and said.code == IN_DOUBT:
        return _unknown(told, "exchange_in_doubt")
    if (told.status or 200) >= 500:
        return _unknown(told, _cause(told))
    if _is_load(told, said):
        return Overloaded(OVERLOAD, told.message, retry_after=_pause(told), **told.more())
    if said is not None:
        return Rejected(said.code, told.message, reason=said.reason, **told.more())
    if told.venue_code is not None:
        for name, code, reason in _REFUSALS:
            if name in told.names:
                return Rejected(code, told.message, reason=reason, **told.more())
    return _unknown(told, _cause(told))


def _is_load(told: _Told, said: CodeMeaning | None) -> bool:
    if said is not None:
        return said.code == OVERLOAD
    if told.status in (418, 429):
        return True
    if told.status == 403:
        return told.venue_code is None or "PermissionDenied" not in told.names
    return bool({"RateLimitExceeded", "DDoSProtection"} & set(told.names))


def _cause(told: _Told) -> str:
    if isinstance(told.error, UnexpectedRedirect):
        return "redirect"
    if isinstance(told.error, UnreadableReply):
        return "unreadable"
    if isinstance(told.error, MissingOrderId):
        return "no_id"
    if "RequestTimeout" in told.names and told.status is None:
        return "timeout"
    if told.status is not None:
        is_bare = told.status >= 500 or (told.status >= 400 and told.venue_code is None)
        return f"http_{told.status}" if is_bare else "unlisted_code"
    found = [word for kind, word in _CAUSES if isinstance(told.error, kind)]
    return found[0] if found else "connection_lost"


def _unknown(told: _Told, cause: str) -> OutcomeUnknown:
    return OutcomeUnknown("outcome_unknown", told.message, reason=cause, **told.more())


def _pause(told: _Told) -> float:
    """Seconds until the venue may be asked again; a ban lasts two minutes at least."""
    headers = {} if told.reply is None else told.reply.headers
    given = {name.lower(): text for name, text in headers.items()}
    try:
        pause = float(given.get("retry-after", "1"))
    except ValueError:  # a date: nobody in this trade says it so
        pause = 1.0
    return max(pause, BAN_SECONDS_MIN) if told.status == 418 else max(pause, 0.0)


def _read(fault: RequestError) -> ReadFailed:
    """The same failure of a read: nothing was at stake, so nothing is in doubt."""
    code = fault.code
    if isinstance(fault, OutcomeUnknown):
        unread = fault.cause in ("unreadable", "unlisted_code", "redirect", "exchange_in_doubt")
        code = "exchange_error" if unread else "exchange_unavailable"
    elif code in (ALREADY_DONE, "exchange_rejected"):
        code = "exchange_rejected"
    return ReadFailed(
        code,
        fault.message,
        retryable=code in _RETRYABLE and fault.reason != "redirect",
        reason=fault.reason,
        venue_code=fault.venue_code,
        ccxt_class=fault.ccxt_class,
        http_status=fault.http_status,
        retry_after=fault.retry_after,
        headers_sent=fault.headers_sent,
    )
