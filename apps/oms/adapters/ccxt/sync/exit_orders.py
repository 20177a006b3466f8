"""Exit orders that an exchange created from an own order: they have no client order id.

They are matched by the parameters of the order; an exit that matches nothing stays external.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot

EXIT_REASONS: Mapping[str, str] = {"takeProfit": "tp", "stopLoss": "sl"}
"""Reason of the order, by the parameter that requested it."""


def find_parent_order(snapshot: OrderSnapshot, orders: OrderCache) -> TrackedOrder | None:
    """Returns the order that an exit belongs to; ``None`` without a match."""
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
    """The trigger price of an exit that the order requested."""
    value = tracked.params.get(exit)
    trigger = value.get("triggerPrice") if isinstance(value, Mapping) else value
    try:
        return None if trigger is None else Decimal(str(trigger))
    except InvalidOperation:
        return None
