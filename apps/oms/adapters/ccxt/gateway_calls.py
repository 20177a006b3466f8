"""Calls of the ccxt gateway at a real exchange: a read, or one write whose orders are heard later.

What a write brings about is told by the next reading, as orders of nobody: nothing is reported
here. Its command was stored before it leaves; an answer that is lost is never sent for again.
"""

from collections.abc import Mapping, Sequence

from oms.adapters.ccxt.connection import Connection
from oms.adapters.ccxt.faults import Fault, NotSent, OutcomeUnknown, Overloaded, ReadFailed
from oms.adapters.ccxt.plain_values import plain_value
from oms.domain.errors import Conflict, Invalid, Refused
from oms.ports.exchange import Traded


async def asked(
    connection: Connection, func: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> object:
    """What ccxt reads, as plain JSON values.

    Raises ``Invalid`` with code ``unsupported_func`` for what ccxt does not have here,
    ``Conflict`` with the failure's code where it fails.
    """
    if not connection.is_open:
        raise Conflict("the exchange cannot be reached yet", code="exchange_unavailable")
    if not _has(connection, func):
        raise Invalid(f"this exchange does not answer {func[:64]!r}", code="unsupported_func")
    try:
        return plain_value(await connection.read(func, *args, **kwargs))
    except ReadFailed as failed:
        raise Conflict(failed.message, code=failed.code, reason=failed.reason) from None


async def traded(
    connection: Connection, func: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> Traded:
    """What ccxt answers to a trade, sent once, or why there is no answer."""
    if not connection.is_open:
        message = "the exchange cannot be reached yet"
        return Traded(refused=Refused(code="exchange_unavailable", message=message))
    if not _has(connection, func):
        message = f"this exchange does not answer {func[:64]!r}"
        return Traded(refused=Refused(code="unsupported_func", message=message))
    try:
        return Traded(value=plain_value(await connection.write(func, *args, **kwargs)))
    except Fault as fault:
        return Traded(refused=_refused(fault))


def _has(connection: Connection, func: str) -> bool:
    return not func.startswith("_") and callable(getattr(connection.exchange, func, None))


def _refused(fault: Fault) -> Refused:
    match fault:
        case NotSent():
            code, outcome = fault.code, "not_sent"
        case Overloaded():
            code, outcome = "exchange_rate_limited", "rejected"
        case OutcomeUnknown():
            code, outcome = "outcome_unknown", "unknown"
        case _:
            code, outcome = fault.code, "rejected"
    reason = fault.reason or fault.venue_code
    return Refused(code=code, message=fault.message, reason=reason, outcome=outcome)
