"""May an order trade as it is wished? Reduce-only, post-only, the book, and the money, in turn.

Judged when it arrives and anew when it is changed. What it would take is found here already, so
that what is paid is exactly what was judged.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

from oms.domain.instrument import Instrument, Kind
from oms.domain.money import ZERO, difference, down_to_step, plain, total
from oms.domain.order import Side
from oms.domain.value import constructor, evolve, value
from oms.simulation.costs import (
    fee_reserve,
    pays_in_base,
    spot_lock,
)
from oms.simulation.margin import is_pledged, margin_needed, spendable
from oms.simulation.matching import Taking, take, take_all, would_take
from oms.simulation.memory import PLAIN, Ladder, PaperOrder, TimeInForce
from oms.simulation.sheet import Sheet


@value
class Rejection:
    """Why not: a stable code and a sentence."""

    code: str
    message: str


@value
class Admitted:
    """An order that may trade, its quantity cut where it may only reduce."""

    order: PaperOrder
    takings: Sequence[Taking]
    #: What the takings leave; ``None`` where there is no market.
    book: Ladder | None


_new_admitted = constructor(Admitted)


def admit(sheet: Sheet, order: PaperOrder, at_most: Decimal | None = None) -> Admitted | Rejection:
    """Judge ``order``, which holds nothing locked; it takes ``at_most`` of what is offered."""
    if order.reduce_only:
        held = reducible(sheet, order)
        if not held and order.remaining:
            side = order.side.value
            message = f"nothing of {order.symbol} is held that a reduce-only {side} could close"
            return Rejection(code="exchange_rejected", message=message)
        if held < order.remaining:
            order = evolve(order, qty=total(order.filled, held))
    matched = _matched(sheet, order, at_most)
    if isinstance(matched, Rejection):
        return matched
    takings, book = matched
    return _refuse_unfunded(sheet, order, takings) or _new_admitted(
        order=order, takings=takings, book=book
    )


def reducible(sheet: Sheet, order: PaperOrder) -> Decimal:
    """How much ``order`` may execute: all that remains, unless it may only reduce.

    On spot there is nothing to reduce but a currency: a reduce-only sell takes what is free, or
    what the order itself holds locked.
    """
    if not order.reduce_only:
        return order.remaining
    instrument = sheet.instruments[order.symbol]
    if instrument.kind is Kind.SPOT:
        if order.side is Side.BUY or sheet.settings.allow_spot_short:
            return order.remaining
        free = max(total(sheet.free(instrument.base), order.locked), ZERO)
        return min(down_to_step(free, instrument.step), order.remaining)
    held = sheet.held(order.symbol, order.leg)
    closes = held < 0 if order.side is Side.BUY else held > 0
    return min(held.copy_abs(), order.remaining) if closes else ZERO


def _matched(
    sheet: Sheet, order: PaperOrder, at_most: Decimal | None
) -> tuple[Sequence[Taking], Ladder | None] | Rejection:
    """What the order would take at once, and what it would leave of the book."""
    if order.terms is not PLAIN and order.is_waiting:
        return (), None
    market = sheet.fresh_market(order.symbol)
    book = None if market is None else market.opposite(order.side)
    qty = order.remaining if at_most is None else min(order.remaining, at_most)
    if order.price is None:
        return _matched_market(sheet, order, book, qty)
    if book is None or not would_take(book, order.side, order.price):
        return (), book
    if order.post_only:
        message = f"a post-only {order.side.value} at {plain(order.price)} would take at once"
        return Rejection(code="post_only_would_take", message=message)
    takings, after = take(book, order.side, qty, order.price)
    if order.terms.time_in_force is TimeInForce.FOK and not _is_all(order, takings):
        return (), book
    return takings, after


def _is_all(order: PaperOrder, takings: Sequence[Taking]) -> bool:
    return reduce(total, (taking.qty for taking in takings), ZERO) == order.remaining


def _matched_market(
    sheet: Sheet, order: PaperOrder, book: Ladder | None, qty: Decimal
) -> tuple[Sequence[Taking], Ladder | None] | Rejection:
    takings: Sequence[Taking] = ()
    if book is not None and qty:
        tick, rules = sheet.instruments[order.symbol].tick, sheet.settings
        takings, book = take_all(
            book, order.side, qty, tick=tick, impact=rules.impact, slippage=rules.slippage
        )
        if order.terms.time_in_force is TimeInForce.FOK and not _is_all(order, takings):
            return (), None
    if not takings and qty:
        message = f"there is no price to {order.side.value} {order.symbol} at"
        return Rejection(code="no_price", message=message)
    return takings, book


def _refuse_unfunded(
    sheet: Sheet, order: PaperOrder, takings: Sequence[Taking]
) -> Rejection | None:
    instrument = sheet.instruments[order.symbol]
    if instrument.kind is not Kind.SPOT:
        need, there = margin_needed(sheet, order, takings)
    elif order.side is Side.BUY:
        need = _cost_needed(sheet, instrument, order, takings)
        there = spendable(sheet, instrument.quote)
    elif sheet.settings.allow_spot_short and not is_pledged(sheet, instrument.base):
        return None
    else:
        need, there = order.remaining, spendable(sheet, instrument.base)
    if need <= there or not need:
        return None
    currency = order.locked_currency
    message = f"{plain(need)} {currency} is needed and {plain(there)} {currency} is free"
    return Rejection(code="insufficient_funds", message=message)


def _cost_needed(
    sheet: Sheet, instrument: Instrument, order: PaperOrder, takings: Sequence[Taking]
) -> Decimal:
    """Quote that a spot buy pays at once and locks for the remainder."""
    cost, left = ZERO, order.remaining
    for taking in takings:
        cost = total(cost, instrument.notional(taking.qty, taking.price))
        left = difference(left, taking.qty)
    if not pays_in_base(sheet.settings, instrument, order.side):
        cost = total(cost, fee_reserve(sheet.settings, instrument, cost))
    price = order.reserve_price
    if left and price is not None:
        cost = total(cost, spot_lock(sheet.settings, instrument, order.side, left, price))
    return cost
