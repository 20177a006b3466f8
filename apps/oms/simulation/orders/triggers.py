"""Conditional orders: their trigger prices, and what happens when these are reached.

A stop is triggered when the price moves against its holder, a take profit when it moves in their
favour. A trailing stop follows the best price since its arrival and never moves back. A triggered
order trades or rests like any other: it is filled at market prices.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from oms.domain.money import EXACT, add, multiply, subtract
from oms.domain.orders import order_types
from oms.domain.orders.order import Side
from oms.domain.orders.order_types import LIMIT_TYPES, ORDER_TYPE_NAMES, TriggerKind
from oms.domain.value import evolve
from oms.simulation.events import Changed, Triggered
from oms.simulation.orders.admission import Rejection, admit, reducible_qty
from oms.simulation.orders.execution import execute_admitted, terminate_order
from oms.simulation.orders.resting_orders import release_lock
from oms.simulation.state.paper_market import Market
from oms.simulation.state.paper_order import PaperOrder, TriggerBy
from oms.simulation.state.step_state import StepState

TRIGGER_KINDS: Mapping[str, TriggerKind] = MappingProxyType(
    {
        alias: kind
        for alias, name in ORDER_TYPE_NAMES.items()
        if (kind := order_types.ORDER_TYPES[name].trigger) is not None
    }
)
"""The trigger direction of each conditional order type, by name or alias."""

PRICED_ORDER_TYPES = LIMIT_TYPES
"""Order types that have a limit price."""

ORDER_TYPES = frozenset({"market", *PRICED_ORDER_TYPES, *TRIGGER_KINDS})
"""All order types that the exchange executes."""

_HALF = Decimal("0.5")


def reference_price(market: Market, by: TriggerBy, side: Side) -> Decimal | None:
    """Returns the price that triggers orders of ``side``; ``None`` where none is known.

    Without a trade the last price is the mid price; without a mark price the last price is used.
    """
    match by:
        case TriggerBy.BID_ASK:
            levels = market.opposite(side).levels
            return levels[0][0] if levels else None
        case TriggerBy.MARK if market.mark is not None:
            return market.mark
        case _:
            return market.last if market.last is not None else _mid_price(market)


def trigger_level(order: PaperOrder) -> Decimal | None:
    """Returns the current trigger price; ``None`` for a trailing stop that has no price yet."""
    terms, best = order.terms, order.best
    if terms.trigger_price is not None or best is None:
        return terms.trigger_price
    distance = terms.trailing_amount
    if distance is None:
        assert terms.trailing_percent is not None, "a trailing stop has a distance"
        distance = EXACT.divide(multiply(best, terms.trailing_percent), Decimal(100))
    return subtract(best, distance) if order.side is Side.SELL else add(best, distance)


def is_triggered(order: PaperOrder, price: Decimal) -> bool:
    """Returns whether ``price`` triggers the order."""
    level = trigger_level(order)
    if level is None:
        return False
    is_upward = (order.side is Side.BUY) is (TRIGGER_KINDS[order.order_type] is TriggerKind.STOP)
    return price >= level if is_upward else price <= level


def update_trailing_price(order: PaperOrder, price: Decimal) -> PaperOrder:
    """Returns the order; a trailing stop's best price follows ``price`` favourably."""
    if order.order_type != "trailing_stop":
        return order
    best = order.best
    if best is not None and (price <= best if order.side is Side.SELL else price >= best):
        return order
    return evolve(order, best=price)


def arm_trigger(state: StepState, order: PaperOrder) -> PaperOrder | Rejection:
    """Returns a conditional order that may wait; rejects one whose trigger is already reached."""
    market = state.fresh_market(order.symbol)
    price = None
    if market is not None:
        price = reference_price(market, order.terms.trigger_by, order.side)
    if price is None:
        return order
    order = update_trailing_price(order, price)
    if is_triggered(order, price):
        message = f"the market has reached the trigger of this {order.order_type} already"
        return Rejection(code="exchange_rejected", message=message)
    return order


def trigger_reached_orders(state: StepState, symbol: str) -> None:
    """Triggers the orders of a symbol that its market has reached, the oldest first."""
    market = state.markets.get(symbol)
    if market is None:
        return
    for order in untriggered_orders(state, symbol):
        current = state.order(symbol, order.exchange_order_id)
        price = reference_price(market, order.terms.trigger_by, order.side)
        if current is None or price is None:
            continue
        updated = update_trailing_price(current, price)
        if updated is not current:
            state.put_order(updated)
        if is_triggered(updated, price) and _has_depth(market, updated):
            trigger_order(state, updated, price)


def untriggered_orders(state: StepState, symbol: str) -> list[PaperOrder]:
    """Returns the orders of a symbol that are not triggered yet, the oldest first."""
    orders = state.orders.get(symbol, {})
    orders_with_trigger = (
        orders[name] for name, where in state.orders_with_terms.items() if where == symbol
    )
    return sorted((o for o in orders_with_trigger if o.is_waiting), key=lambda order: order.number)


def trigger_order(state: StepState, order: PaperOrder, price: Decimal) -> None:
    """Triggers an order: it is admitted like one that arrives now, or ends if that fails."""
    order = evolve(release_lock(state, order), triggered_at=state.at)
    state.events.append(Triggered(order=order, price=price))
    if order.reduce_only and not reducible_qty(state, order):
        terminate_order(state, order, reason="reduce_only")
        return
    admitted = admit(state, order)
    if isinstance(admitted, Rejection):
        terminate_order(state, order, reason=admitted.code)
        return
    if admitted.order.qty != order.qty:
        state.events.append(Changed(order=admitted.order))
    execute_admitted(state, admitted)


def _has_depth(market: Market, order: PaperOrder) -> bool:
    """Returns whether the opposite side has depth; market orders need it to trigger."""
    shown = market.opposite(order.side).shown
    return order.price is not None or shown is None or shown > 0


def _mid_price(market: Market) -> Decimal | None:
    bids, asks = market.bids.levels, market.asks.levels
    if bids and asks:
        return multiply(add(bids[0][0], asks[0][0]), _HALF)
    one_side = bids or asks
    return one_side[0][0] if one_side else None
