"""Turns every exception of a ccxt call into a ``RequestError``.

The venue's code decides first, then the HTTP status, then ccxt's class. Class names are compared,
so ccxt is not imported here.
"""

import asyncio
import re
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from oms.adapters.ccxt.client.http_session import CallContext, DuplicateSend
from oms.adapters.ccxt.client.request_errors import (
    HostMismatch,
    HttpReply,
    MissingOrderId,
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ReadFailed,
    Rejected,
    RequestError,
    UnexpectedRedirect,
    UnreadableReply,
)
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.adapters.ccxt.venues.venue_errors import (
    ALREADY_DONE,
    CLOCK_SKEW,
    DUPLICATE,
    OUTCOME_UNKNOWN,
    OVERLOAD,
    CodeMeaning,
    find_code,
    parse_body,
)
from oms.domain.value import value

#: Writes whose reply must have an order id: without it the outcome is unknown.
_METHODS_WITH_ID = ("create_order", "edit_order")


class ErrorMapping:
    """A context manager around a ccxt call: its failure is raised as a ``RequestError``.

    Bugs and cancellations pass through.
    """

    def __init__(
        self, venue: str, call: CallContext, *, is_write: bool, secrets: Sequence[str]
    ) -> None:
        self._venue = venue
        self._call = call
        self._is_write = is_write
        self._secrets = secrets

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        passed_through = (
            RequestError,
            DuplicateSend,
            asyncio.CancelledError,
            KeyboardInterrupt,
            SystemExit,
        )
        if error is None or isinstance(error, passed_through):
            return
        # Not "from error": its message has the signed URL.
        raise classify_error(
            error,
            headers_sent=bool(self._call.headers_sent),
            venue=self._venue,
            is_write=self._is_write,
            reply=self._call.reply,
            secrets=self._secrets,
        ) from None


def check_write_reply(method: str, reply: Any) -> None:
    """Raises ``MissingOrderId`` for a reply that does not identify its order."""
    if not isinstance(reply, dict | list):
        raise MissingOrderId(f"{method} was answered by {type(reply).__name__}")
    if method in _METHODS_WITH_ID:
        order = reply if isinstance(reply, dict) else {}
        if not isinstance(order.get("info"), dict | list) or not order.get("id"):
            raise MissingOrderId(f"{method} was answered without an id")


MESSAGE_MAX = 500


BAN_SECONDS_MIN = 120.0


_QUERY = re.compile(r"((?:https?|wss?)://[^\s?]+)\?\S*")


#: ccxt's classes whose failure before the first byte is the caller's, most specific first.
_LOCAL_ERRORS: Sequence[tuple[str, str]] = (
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


#: ccxt's classes that are a rejection if they were raised by a parsed body with a code.
_REJECTIONS: Sequence[tuple[str, str, str | None]] = (
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
    secrets: Sequence[str] = (),
) -> RequestError:
    """Returns the ``RequestError`` for the exception of one ccxt call.

    ``reply`` is the last reply, if one came. ``secrets`` are removed from the message.
    """
    if isinstance(error, RequestError):
        return error
    body = parse_body(reply.body if reply is not None else str(error))
    failure = _Failure(
        error=error,
        names=tuple(each.__name__ for each in type(error).__mro__),
        venue_code=None if reply is not None and reply.is_accepted else find_code(body),
        reply=reply,
        headers_sent=headers_sent,
        message=sanitize_message(str(error) or type(error).__name__, secrets),
    )
    text = f"{error} {reply.body if reply is not None else ''}"
    meaning = get_profile(venue).errors.find_meaning(failure.venue_code, text)
    if headers_sent and not is_write and "OrderNotFound" in failure.names:
        # ccxt raises it for a success with an empty body, too.
        return _to_read_failure(Rejected("order_not_found", failure.message, **failure.details()))
    result = _classify_sent(failure, meaning) if headers_sent else _classify_unsent(failure)
    return result if is_write else _to_read_failure(result)


def sanitize_message(message: str, secrets: Sequence[str] = ()) -> str:
    """Returns the message, truncated, without URL queries (signatures) and secrets."""
    message = _QUERY.sub(r"\1", message)
    for secret in secrets:
        if secret:
            message = message.replace(secret, "***")
    return message[:MESSAGE_MAX]


@value
class _Failure:
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

    def details(self) -> dict[str, Any]:
        return {
            "venue_code": self.venue_code,
            "ccxt_class": self.names[0],
            "http_status": self.status,
            "headers_sent": self.headers_sent,
        }


def _classify_unsent(failure: _Failure) -> NotSent:
    code, pause = "internal_error", None
    if isinstance(failure.error, HostMismatch):
        code = "host_mismatch"
    elif isinstance(failure.error, asyncio.CancelledError):
        code = "shutting_down"
    elif isinstance(failure.error, OSError | TimeoutError):
        code = "exchange_unavailable"
    else:
        code = next((word for name, word in _LOCAL_ERRORS if name in failure.names), code)
    if code in ("exchange_unavailable", OVERLOAD):
        pause = 1.0
    return NotSent(code, failure.message, retry_after=pause, **failure.details())


def _classify_sent(failure: _Failure, meaning: CodeMeaning | None) -> RequestError:
    """The first that applies: duplicate, overload, rejection, unknown."""
    if failure.reply is not None and failure.reply.is_accepted:
        return _outcome_unknown(failure, "unreadable")
    if "DuplicateOrderId" in failure.names or (meaning is not None and meaning.code == DUPLICATE):
        return _outcome_unknown(failure, DUPLICATE)
    if meaning is not None and meaning.code == OUTCOME_UNKNOWN:
        return _outcome_unknown(failure, "exchange_in_doubt")
    if (failure.status or 200) >= 500:
        return _outcome_unknown(failure, _cause(failure))
    if _is_overload(failure, meaning):
        return Overloaded(
            OVERLOAD, failure.message, retry_after=_retry_pause(failure), **failure.details()
        )
    if meaning is not None:
        return Rejected(meaning.code, failure.message, reason=meaning.reason, **failure.details())
    if failure.venue_code is not None:
        for name, code, reason in _REJECTIONS:
            if name in failure.names:
                return Rejected(code, failure.message, reason=reason, **failure.details())
    return _outcome_unknown(failure, _cause(failure))


def _is_overload(failure: _Failure, meaning: CodeMeaning | None) -> bool:
    if meaning is not None:
        return meaning.code == OVERLOAD
    if failure.status in (418, 429):
        return True
    if failure.status == 403:
        return failure.venue_code is None or "PermissionDenied" not in failure.names
    return bool({"RateLimitExceeded", "DDoSProtection"} & set(failure.names))


def _cause(failure: _Failure) -> str:
    if isinstance(failure.error, UnexpectedRedirect):
        return "redirect"
    if isinstance(failure.error, UnreadableReply):
        return "unreadable"
    if isinstance(failure.error, MissingOrderId):
        return "no_id"
    if "RequestTimeout" in failure.names and failure.status is None:
        return "timeout"
    if failure.status is not None:
        is_bare = failure.status >= 500 or (failure.status >= 400 and failure.venue_code is None)
        return f"http_{failure.status}" if is_bare else "unlisted_code"
    causes = [cause for kind, cause in _CAUSES if isinstance(failure.error, kind)]
    return causes[0] if causes else "connection_lost"


def _outcome_unknown(failure: _Failure, cause: str) -> OutcomeUnknown:
    return OutcomeUnknown("outcome_unknown", failure.message, reason=cause, **failure.details())


def _retry_pause(failure: _Failure) -> float:
    """Seconds until the next request; a ban lasts at least two minutes."""
    headers = {} if failure.reply is None else failure.reply.headers
    by_name = {name.lower(): text for name, text in headers.items()}
    try:
        pause = float(by_name.get("retry-after", "1"))
    except ValueError:  # a date: exchanges send seconds
        pause = 1.0
    return max(pause, BAN_SECONDS_MIN) if failure.status == 418 else max(pause, 0.0)


def _to_read_failure(error: RequestError) -> ReadFailed:
    """The same failure for a read: nothing was sent that could have an unknown outcome."""
    code = error.code
    if isinstance(error, OutcomeUnknown):
        is_unreadable = error.cause in (
            "unreadable",
            "unlisted_code",
            "redirect",
            "exchange_in_doubt",
        )
        code = "exchange_error" if is_unreadable else "exchange_unavailable"
    elif code in (ALREADY_DONE, "exchange_rejected"):
        code = "exchange_rejected"
    return ReadFailed(
        code,
        error.message,
        retryable=code in _RETRYABLE and error.reason != "redirect",
        reason=error.reason,
        venue_code=error.venue_code,
        ccxt_class=error.ccxt_class,
        http_status=error.http_status,
        retry_after=error.retry_after,
        headers_sent=error.headers_sent,
    )
