"""May an order trade as it is wished? Reduce-only, post-only, the book, and the money, in turn.

Judged when it arrives and anew when it is changed. What it would take is found here already, so
that what is paid is exactly what was judged.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO, add, decimal_text, round_down_to_step, subtract
from oms.domain.orders.order import Side
from oms.domain.value import constructor, evolve, value
from oms.simulation.account.costs import is_fee_in_base, max_fee, spot_lock_amount
from oms.simulation.account.margin import has_positions_settled_in, required_margin, withdrawable
from oms.simulation.market.matching import BookFill, is_marketable, match_limit, match_market
from oms.simulation.state.exchange_state import PLAIN_TERMS, BookSide, PaperOrder, TimeInForce
from oms.simulation.state.step_state import StepState


@value
class Rejection:
    """Why not: a stable code and a sentence."""

    code: str
    message: str


@value
class AdmittedOrder:
    """An order that may trade, its quantity cut where it may only reduce."""

    order: PaperOrder
    takings: Sequence[BookFill]
    #: What the takings leave; ``None`` where there is no market.
    book: BookSide | None


_new_admitted = constructor(AdmittedOrder)


def admit(
    sheet: StepState, order: PaperOrder, at_most: Decimal | None = None
) -> AdmittedOrder | Rejection:
    """Judge ``order``, which holds nothing locked; it takes ``at_most`` of what is offered."""
    if order.reduce_only:
        held = reducible_qty(sheet, order)
        if not held and order.remaining:
            side = order.side.value
            message = f"nothing of {order.symbol} is held that a reduce-only {side} could close"
            return Rejection(code="exchange_rejected", message=message)
        if held < order.remaining:
            order = evolve(order, qty=add(order.filled, held))
    matched = _matched(sheet, order, at_most)
    if isinstance(matched, Rejection):
        return matched
    takings, book = matched
    return _refuse_unfunded(sheet, order, takings) or _new_admitted(
        order=order, takings=takings, book=book
    )


def reducible_qty(sheet: StepState, order: PaperOrder) -> Decimal:
    """How much ``order`` may execute: all that remains, unless it may only reduce.

    On spot there is nothing to reduce but a currency: a reduce-only sell takes what is free, or
    what the order itself holds locked.
    """
    if not order.reduce_only:
        return order.remaining
    instrument = sheet.instruments[order.symbol]
    if instrument.kind is InstrumentKind.SPOT:
        if order.side is Side.BUY or sheet.settings.allow_spot_short:
            return order.remaining
        free = max(add(sheet.free(instrument.base), order.locked), ZERO)
        return min(round_down_to_step(free, instrument.step), order.remaining)
    held = sheet.held(order.symbol, order.leg)
    closes = held < 0 if order.side is Side.BUY else held > 0
    return min(held.copy_abs(), order.remaining) if closes else ZERO


def _matched(
    sheet: StepState, order: PaperOrder, at_most: Decimal | None
) -> tuple[Sequence[BookFill], BookSide | None] | Rejection:
    """What the order would take at once, and what it would leave of the book."""
    if order.terms is not PLAIN_TERMS and order.is_waiting:
        return (), None
    market = sheet.fresh_market(order.symbol)
    book = None if market is None else market.opposite(order.side)
    qty = order.remaining if at_most is None else min(order.remaining, at_most)
    if order.price is None:
        return _matched_market(sheet, order, book, qty)
    if book is None or not is_marketable(book, order.side, order.price):
        return (), book
    if order.post_only:
        message = (
            f"a post-only {order.side.value} at {decimal_text(order.price)} would take at once"
        )
        return Rejection(code="post_only_would_take", message=message)
    takings, after = match_limit(book, order.side, qty, order.price)
    if order.terms.time_in_force is TimeInForce.FOK and not _is_all(order, takings):
        return (), book
    return takings, after


def _is_all(order: PaperOrder, takings: Sequence[BookFill]) -> bool:
    return reduce(add, (taking.qty for taking in takings), ZERO) == order.remaining


def _matched_market(
    sheet: StepState, order: PaperOrder, book: BookSide | None, qty: Decimal
) -> tuple[Sequence[BookFill], BookSide | None] | Rejection:
    takings: Sequence[BookFill] = ()
    if book is not None and qty:
        tick, rules = sheet.instruments[order.symbol].tick, sheet.settings
        takings, book = match_market(
            book, order.side, qty, tick=tick, impact=rules.impact, slippage=rules.slippage
        )
        if order.terms.time_in_force is TimeInForce.FOK and not _is_all(order, takings):
            return (), None
    if not takings and qty:
        message = f"there is no price to {order.side.value} {order.symbol} at"
        return Rejection(code="no_price", message=message)
    return takings, book


def _refuse_unfunded(
    sheet: StepState, order: PaperOrder, takings: Sequence[BookFill]
) -> Rejection | None:
    instrument = sheet.instruments[order.symbol]
    if instrument.kind is not InstrumentKind.SPOT:
        need, there = required_margin(sheet, order, takings)
    elif order.side is Side.BUY:
        need = _cost_needed(sheet, instrument, order, takings)
        there = withdrawable(sheet, instrument.quote)
    elif sheet.settings.allow_spot_short and not has_positions_settled_in(sheet, instrument.base):
        return None
    else:
        need, there = order.remaining, withdrawable(sheet, instrument.base)
    if need <= there or not need:
        return None
    currency = order.locked_currency
    message = (
        f"{decimal_text(need)} {currency} is needed and {decimal_text(there)} {currency} is free"
    )
    return Rejection(code="insufficient_funds", message=message)


def _cost_needed(
    sheet: StepState, instrument: Instrument, order: PaperOrder, takings: Sequence[BookFill]
) -> Decimal:
    """Quote that a spot buy pays at once and locks for the remainder."""
    cost, left = ZERO, order.remaining
    for taking in takings:
        cost = add(cost, instrument.notional(taking.qty, taking.price))
        left = subtract(left, taking.qty)
    if not is_fee_in_base(sheet.settings, instrument, order.side):
        cost = add(cost, max_fee(sheet.settings, instrument, cost))
    price = order.reserve_price
    if left and price is not None:
        cost = add(cost, spot_lock_amount(sheet.settings, instrument, order.side, left, price))
    return cost
