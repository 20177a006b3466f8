"""Calls of the ccxt gateway at a real exchange: a read, or one write whose orders are heard later.

What a write brings about is told by the next reading, as orders of nobody: nothing is reported
here. Its command was stored before it leaves; an answer that is lost is never sent for again.
"""

from collections.abc import Mapping, Sequence

from oms.adapters.ccxt.client.connection import Connection
from oms.adapters.ccxt.client.request_errors import (
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ReadFailed,
    RequestError,
)
from oms.adapters.ccxt.parsing.json_values import to_json_value
from oms.domain.errors import Conflict, Invalid, Refused
from oms.ports.exchange import DirectTradeResult


async def call_read(
    connection: Connection, func: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> object:
    """What ccxt reads, as plain JSON values.

    Raises ``Invalid`` with code ``unsupported_func`` for what ccxt does not have here,
    ``Conflict`` with the failure's code where it fails.
    """
    if not connection.is_open:
        raise Conflict("the exchange cannot be reached yet", code="exchange_unavailable")
    if not _has_method(connection, func):
        raise Invalid(f"this exchange does not answer {func[:64]!r}", code="unsupported_func")
    try:
        return to_json_value(await connection.read(func, *args, **kwargs))
    except ReadFailed as failed:
        raise Conflict(failed.message, code=failed.code, reason=failed.reason) from None


async def call_write(
    connection: Connection, func: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> DirectTradeResult:
    """What ccxt answers to a trade, sent once, or why there is no answer."""
    if not connection.is_open:
        message = "the exchange cannot be reached yet"
        return DirectTradeResult(refused=Refused(code="exchange_unavailable", message=message))
    if not _has_method(connection, func):
        message = f"this exchange does not answer {func[:64]!r}"
        return DirectTradeResult(refused=Refused(code="unsupported_func", message=message))
    try:
        return DirectTradeResult(value=to_json_value(await connection.write(func, *args, **kwargs)))
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
