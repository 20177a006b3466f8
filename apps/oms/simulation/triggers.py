"""Conditional orders: which price releases them, when it is reached, and what follows.

A stop is released when the price runs against its holder, a take profit when it runs for them.
A trailing stop follows the best price since its arrival and never gives way. Once released, an
order goes to the market or rests like any other: it is filled where the market is.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from oms.domain.money import EXACT, difference, product, total
from oms.domain.order import Side
from oms.domain.value import evolve
from oms.simulation.admission import Rejection, admit, reducible
from oms.simulation.executing import carry_out, end
from oms.simulation.facts import Changed, Triggered
from oms.simulation.memory import Market, PaperOrder, TriggerBy
from oms.simulation.resting import released
from oms.simulation.sheet import Sheet


class Release(StrEnum):
    """Which way the price must run."""

    STOP = "stop"
    TAKE_PROFIT = "take_profit"


CONDITIONAL: Mapping[str, Release] = MappingProxyType(
    {
        "stop": Release.STOP,
        "stop_loss": Release.STOP,
        "stop_market": Release.STOP,
        "stop_limit": Release.STOP,
        "trailing_stop": Release.STOP,
        "take_profit": Release.TAKE_PROFIT,
        "take_profit_market": Release.TAKE_PROFIT,
        "take_profit_limit": Release.TAKE_PROFIT,
    }
)
LIMITED = frozenset({"limit", "stop_limit", "take_profit_limit"})
"""Order types with a price."""

ORDER_TYPES = frozenset({"market", *LIMITED, *CONDITIONAL})
"""What the exchange executes."""

_HALF = Decimal("0.5")


def price_seen(market: Market, by: TriggerBy, side: Side) -> Decimal | None:
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
            return market.last if market.last is not None else _middle(market)


def level_of(order: PaperOrder) -> Decimal | None:
    """Where an order is released now; ``None`` for a trailing stop that has seen no price."""
    terms, best = order.terms, order.best
    if terms.trigger_price is not None or best is None:
        return terms.trigger_price
    distance = terms.trailing_amount
    if distance is None:
        assert terms.trailing_percent is not None, "a trailing stop has a distance"
        distance = EXACT.divide(product(best, terms.trailing_percent), Decimal(100))
    return difference(best, distance) if order.side is Side.SELL else total(best, distance)


def is_reached(order: PaperOrder, price: Decimal) -> bool:
    """Whether ``price`` releases the order."""
    level = level_of(order)
    if level is None:
        return False
    rises = (order.side is Side.BUY) is (CONDITIONAL[order.order_type] is Release.STOP)
    return price >= level if rises else price <= level


def follow(order: PaperOrder, price: Decimal) -> PaperOrder:
    """A trailing stop that has seen ``price``; its best price moves in the holder's favour only."""
    if order.order_type != "trailing_stop":
        return order
    best = order.best
    if best is not None and (price <= best if order.side is Side.SELL else price >= best):
        return order
    return evolve(order, best=price)


def arm(sheet: Sheet, order: PaperOrder) -> PaperOrder | Rejection:
    """A conditional order as it waits, or why not: its trigger is on the wrong side."""
    market = sheet.fresh_market(order.symbol)
    price = None
    if market is not None:
        price = price_seen(market, order.terms.trigger_by, order.side)
    if price is None:
        return order
    order = follow(order, price)
    if is_reached(order, price):
        message = f"the market has reached the trigger of this {order.order_type} already"
        return Rejection(code="exchange_rejected", message=message)
    return order


def release_reached(sheet: Sheet, symbol: str) -> None:
    """Release the waiting orders of a symbol that its market has reached, the oldest first."""
    market = sheet.markets.get(symbol)
    if market is None:
        return
    for order in waiting(sheet, symbol):
        current = sheet.order(symbol, order.exchange_order_id)
        price = price_seen(market, order.terms.trigger_by, order.side)
        if current is None or price is None:
            continue
        followed = follow(current, price)
        if followed is not current:
            sheet.put_order(followed)
        if is_reached(followed, price) and _has_market(market, followed):
            trigger(sheet, followed, price)


def waiting(sheet: Sheet, symbol: str) -> list[PaperOrder]:
    """Orders of a symbol whose trigger was not reached, the oldest first."""
    orders = sheet.orders.get(symbol, {})
    named = (orders[name] for name, where in sheet.special.items() if where == symbol)
    return sorted((o for o in named if o.is_waiting), key=lambda order: order.number)


def trigger(sheet: Sheet, order: PaperOrder, price: Decimal) -> None:
    """Release a waiting order: it trades like one that arrives now, or ends if it may not."""
    order = evolve(released(sheet, order), triggered_at=sheet.at)
    sheet.facts.append(Triggered(order=order, price=price))
    if order.reduce_only and not reducible(sheet, order):
        end(sheet, order, reason="reduce_only")
        return
    admitted = admit(sheet, order)
    if isinstance(admitted, Rejection):
        end(sheet, order, reason=admitted.code)
        return
    if admitted.order.qty != order.qty:
        sheet.facts.append(Changed(order=admitted.order))
    carry_out(sheet, admitted)


def _has_market(market: Market, order: PaperOrder) -> bool:
    """An order to the market waits on where nothing at all is offered."""
    shown = market.opposite(order.side).shown
    return order.price is not None or shown is None or shown > 0


def _middle(market: Market) -> Decimal | None:
    bids, asks = market.bids.levels, market.asks.levels
    if bids and asks:
        return product(total(bids[0][0], asks[0][0]), _HALF)
    known = bids or asks
    return known[0][0] if known else None
