"""Exits that an exchange made of an order of ours: they come without our name.

They are known by what was asked for with the order; an exit that fits nothing stays a stranger.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from oms.adapters.ccxt.known import Known, KnownOrders
from oms.adapters.ccxt.orders_read import OrderShown

EXIT_REASONS: Mapping[str, str] = {"takeProfit": "tp", "stopLoss": "sl"}
"""Why the order exists, by the parameter that asked for it."""


def parent_of(shown: OrderShown, orders: KnownOrders) -> Known | None:
    """The order that the exit hangs on; ``None`` if it is no exit, or of nobody we know."""
    if shown.exit is None or shown.trigger_price is None:
        return None
    fitting = [
        known
        for known in orders
        if known.symbol == shown.symbol
        and known.side is not shown.side
        and _trigger(known, shown.exit) == shown.trigger_price
        and (shown.created_at is None or known.created_at <= shown.created_at)
    ]
    return max(fitting, key=lambda known: known.created_at, default=None)


def _trigger(known: Known, exit: str) -> Decimal | None:
    """Where the order asked for an exit."""
    told = known.params.get(exit)
    trigger = told.get("triggerPrice") if isinstance(told, Mapping) else told
    try:
        return None if trigger is None else Decimal(str(trigger))
    except InvalidOperation:
        return None
