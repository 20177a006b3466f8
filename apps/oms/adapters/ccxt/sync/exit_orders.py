"""Exits that an exchange made of an order of ours: they come without our name.

They are known by what was asked for with the order; an exit that fits nothing stays a stranger.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.order_parser import OrderSnapshot

EXIT_REASONS: Mapping[str, str] = {"takeProfit": "tp", "stopLoss": "sl"}
"""Why the order exists, by the parameter that asked for it."""


def find_parent_order(shown: OrderSnapshot, orders: OrderCache) -> TrackedOrder | None:
    """The order that the exit hangs on; ``None`` if it is no exit, or of nobody we know."""
    if shown.exit is None or shown.trigger_price is None:
        return None
    fitting = [
        tracked
        for tracked in orders
        if tracked.symbol == shown.symbol
        and tracked.side is not shown.side
        and _trigger(tracked, shown.exit) == shown.trigger_price
        and (shown.created_at is None or tracked.created_at <= shown.created_at)
    ]
    return max(fitting, key=lambda tracked: tracked.created_at, default=None)


def _trigger(tracked: TrackedOrder, exit: str) -> Decimal | None:
    """Where the order asked for an exit."""
    told = tracked.params.get(exit)
    trigger = told.get("triggerPrice") if isinstance(told, Mapping) else told
    try:
        return None if trigger is None else Decimal(str(trigger))
    except InvalidOperation:
        return None
