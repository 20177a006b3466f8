"""Direct ccxt calls of callers: a read, or one write.

The next poll reports the effect of a write, as external orders. Its command is stored before it is
sent; a request whose reply is lost is never sent again.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from oms.adapters.ccxt.client.connection import Connection
from oms.adapters.ccxt.client.request_errors import (
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ReadFailed,
    RequestError,
)
from oms.domain.errors import Conflict, Invalid, Refused
from oms.domain.money import decimal_text
from oms.ports.exchange import DirectTradeResult


async def call_read(
    connection: Connection, func: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> object:
    """Returns the result of a ccxt read as plain JSON values.

    Raises ``Invalid`` with code ``unsupported_func`` for a method that ccxt does not have here,
    ``Conflict`` with the code of the failure.
    """
    if not connection.is_open:
        raise Conflict("the exchange cannot be reached yet", code="exchange_unavailable")
    if not _has_method(connection, func):
        raise Invalid(f"this exchange does not answer {func[:64]!r}", code="unsupported_func")
    try:
        return _to_json_value(await connection.read(func, *args, **kwargs))
    except ReadFailed as failed:
        raise Conflict(failed.message, code=failed.code, reason=failed.reason) from None


async def call_write(
    connection: Connection, func: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> DirectTradeResult:
    """Sends a ccxt write once; returns its result, or why there is none."""
    if not connection.is_open:
        message = "the exchange cannot be reached yet"
        return DirectTradeResult(refused=Refused(code="exchange_unavailable", message=message))
    if not _has_method(connection, func):
        message = f"this exchange does not answer {func[:64]!r}"
        return DirectTradeResult(refused=Refused(code="unsupported_func", message=message))
    try:
        return DirectTradeResult(
            value=_to_json_value(await connection.write(func, *args, **kwargs))
        )
    except RequestError as error:
        return DirectTradeResult(refused=_refusal(error))


def _has_method(connection: Connection, func: str) -> bool:
    return not func.startswith("_") and callable(getattr(connection.exchange, func, None))


def _refusal(error: RequestError) -> Refused:
    match error:
        case NotSent():
            code, outcome = error.code, "not_sent"
        case Overloaded():
            code, outcome = "exchange_rate_limited", "rejected"
        case OutcomeUnknown():
            code, outcome = "outcome_unknown", "unknown"
        case _:
            code, outcome = error.code, "rejected"
    reason = error.reason or error.venue_code
    return Refused(code=code, message=error.message, reason=reason, outcome=outcome)


def _to_json_value(value: object) -> object:
    """Returns ``value`` as dicts, lists, texts, numbers, booleans and ``None``."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return decimal_text(value)
        case Mapping():
            return {str(key): _to_json_value(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_to_json_value(each) for each in value]
        case _:
            return str(value)
