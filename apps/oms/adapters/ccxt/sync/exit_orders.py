"""Exits that an exchange made of an order of ours: they come without our name.

They are known by what was asked for with the order; an exit that fits nothing stays a stranger.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.order_parser import OrderSnapshot

EXIT_REASONS: Mapping[str, str] = {"takeProfit": "tp", "stopLoss": "sl"}
"""Why the order exists, by the parameter that asked for it."""


def find_parent_order(snapshot: OrderSnapshot, orders: OrderCache) -> TrackedOrder | None:
    """The order that the exit hangs on; ``None`` if it is no exit, or of nobody we know."""
    if snapshot.exit is None or snapshot.trigger_price is None:
        return None
    candidates = [
        tracked
        for tracked in orders
        if tracked.symbol == snapshot.symbol
        and tracked.side is not snapshot.side
        and _exit_trigger(tracked, snapshot.exit) == snapshot.trigger_price
        and (snapshot.created_at is None or tracked.created_at <= snapshot.created_at)
    ]
    return max(candidates, key=lambda tracked: tracked.created_at, default=None)


def _exit_trigger(tracked: TrackedOrder, exit: str) -> Decimal | None:
    """Where the order asked for an exit."""
    value = tracked.params.get(exit)
    trigger = value.get("triggerPrice") if isinstance(value, Mapping) else value
    try:
        return None if trigger is None else Decimal(str(trigger))
    except InvalidOperation:
        return None
