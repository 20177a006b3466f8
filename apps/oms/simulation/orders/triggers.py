"""Conditional orders: which price releases them, when it is reached, and what follows.

A stop is released when the price runs against its holder, a take profit when it runs for them.
A trailing stop follows the best price since its arrival and never gives way. Once released, an
order goes to the market or rests like any other: it is filled where the market is.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from oms.domain.money import EXACT, add, multiply, subtract
from oms.domain.orders.order import Side
from oms.domain.value import evolve
from oms.simulation.events import Changed, Triggered
from oms.simulation.orders.admission import Rejection, admit, reducible_qty
from oms.simulation.orders.execution import execute_admitted, terminate_order
from oms.simulation.orders.resting_orders import release_lock
from oms.simulation.state.exchange_state import Market, PaperOrder, TriggerBy
from oms.simulation.state.step_state import StepState


class TriggerKind(StrEnum):
    """Which way the price must run."""

    STOP = "stop"
    TAKE_PROFIT = "take_profit"


TRIGGER_KINDS: Mapping[str, TriggerKind] = MappingProxyType(
    {
        "stop": TriggerKind.STOP,
        "stop_loss": TriggerKind.STOP,
        "stop_market": TriggerKind.STOP,
        "stop_limit": TriggerKind.STOP,
        "trailing_stop": TriggerKind.STOP,
        "take_profit": TriggerKind.TAKE_PROFIT,
        "take_profit_market": TriggerKind.TAKE_PROFIT,
        "take_profit_limit": TriggerKind.TAKE_PROFIT,
    }
)
PRICED_ORDER_TYPES = frozenset({"limit", "stop_limit", "take_profit_limit"})
"""Order types with a price."""

ORDER_TYPES = frozenset({"market", *PRICED_ORDER_TYPES, *TRIGGER_KINDS})
"""What the exchange executes."""

_HALF = Decimal("0.5")


def reference_price(market: Market, by: TriggerBy, side: Side) -> Decimal | None:
    """The price that an order of ``side`` is judged by; ``None`` where none is known.

    Without a trade the last price is the middle of the market, without a mark it is the last.
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
    """Where an order is released now; ``None`` for a trailing stop that has seen no price."""
    terms, best = order.terms, order.best
    if terms.trigger_price is not None or best is None:
        return terms.trigger_price
    distance = terms.trailing_amount
    if distance is None:
        assert terms.trailing_percent is not None, "a trailing stop has a distance"
        distance = EXACT.divide(multiply(best, terms.trailing_percent), Decimal(100))
    return subtract(best, distance) if order.side is Side.SELL else add(best, distance)


def is_triggered(order: PaperOrder, price: Decimal) -> bool:
    """Whether ``price`` releases the order."""
    level = trigger_level(order)
    if level is None:
        return False
    is_upward = (order.side is Side.BUY) is (TRIGGER_KINDS[order.order_type] is TriggerKind.STOP)
    return price >= level if is_upward else price <= level


def update_trailing_price(order: PaperOrder, price: Decimal) -> PaperOrder:
    """A trailing stop that has seen ``price``; its best price moves in the holder's favour only."""
    if order.order_type != "trailing_stop":
        return order
    best = order.best
    if best is not None and (price <= best if order.side is Side.SELL else price >= best):
        return order
    return evolve(order, best=price)


def arm_trigger(state: StepState, order: PaperOrder) -> PaperOrder | Rejection:
    """A conditional order as it waits, or why not: its trigger is on the wrong side."""
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
    """Release the waiting orders of a symbol that its market has reached, the oldest first."""
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
    """Orders of a symbol whose trigger was not reached, the oldest first."""
    orders = state.orders.get(symbol, {})
    orders_with_trigger = (
        orders[name] for name, where in state.orders_with_terms.items() if where == symbol
    )
    return sorted((o for o in orders_with_trigger if o.is_waiting), key=lambda order: order.number)


def trigger_order(state: StepState, order: PaperOrder, price: Decimal) -> None:
    """Release a waiting order: it trades like one that arrives now, or ends if it may not."""
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
    """An order to the market waits on where nothing at all is offered."""
    shown = market.opposite(order.side).shown
    return order.price is not None or shown is None or shown > 0


def _mid_price(market: Market) -> Decimal | None:
    bids, asks = market.bids.levels, market.asks.levels
    if bids and asks:
        return multiply(add(bids[0][0], asks[0][0]), _HALF)
    one_side = bids or asks
    return one_side[0][0] if one_side else None
