"""Admission of orders: reduce-only, post-only, matching and funds, checked in this order.

An order is checked when it arrives and again when it is changed. The fills against the book are
computed here as well, so that exactly what was checked is paid.
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
from oms.simulation.state.paper_market import BookSide
from oms.simulation.state.paper_order import PLAIN_TERMS, PaperOrder, TimeInForce
from oms.simulation.state.step_state import StepState


@value
class Rejection:
    """Reason of a rejection: a stable code and a message."""

    code: str
    message: str


@value
class AdmittedOrder:
    """An order that may trade; its quantity is reduced where it may only reduce a position."""

    order: PaperOrder
    fills: Sequence[BookFill]
    #: The book after the fills; ``None`` where there is no market.
    book: BookSide | None


_new_admitted = constructor(AdmittedOrder)


def admit(
    state: StepState, order: PaperOrder, max_qty: Decimal | None = None
) -> AdmittedOrder | Rejection:
    """Checks ``order``, which must hold no lock; at most ``max_qty`` of it is matched."""
    if order.reduce_only:
        position_qty = reducible_qty(state, order)
        if not position_qty and order.remaining:
            side = order.side.value
            message = f"nothing of {order.symbol} is held that a reduce-only {side} could close"
            return Rejection(code="exchange_rejected", message=message)
        if position_qty < order.remaining:
            order = evolve(order, qty=add(order.filled, position_qty))
    matched = _match(state, order, max_qty)
    if isinstance(matched, Rejection):
        return matched
    fills, book = matched
    return _check_funds(state, order, fills) or _new_admitted(order=order, fills=fills, book=book)


def reducible_qty(state: StepState, order: PaperOrder) -> Decimal:
    """Returns how much of ``order`` may execute: the remaining quantity, unless it may only reduce.

    On spot a reduce-only sell is limited to the free base, including what the order itself locks.
    """
    if not order.reduce_only:
        return order.remaining
    instrument = state.instruments[order.symbol]
    if instrument.kind is InstrumentKind.SPOT:
        if order.side is Side.BUY or state.settings.allow_spot_short:
            return order.remaining
        free = max(add(state.free_balance(instrument.base), order.locked), ZERO)
        return min(round_down_to_step(free, instrument.step), order.remaining)
    position_qty = state.position_qty(order.symbol, order.leg)
    closes = position_qty < 0 if order.side is Side.BUY else position_qty > 0
    return min(position_qty.copy_abs(), order.remaining) if closes else ZERO


def _match(
    state: StepState, order: PaperOrder, max_qty: Decimal | None
) -> tuple[Sequence[BookFill], BookSide | None] | Rejection:
    """Returns the fills and the book after them, or why the order is rejected."""
    if order.terms is not PLAIN_TERMS and order.is_waiting:
        return (), None
    market = state.fresh_market(order.symbol)
    book = None if market is None else market.opposite(order.side)
    qty = order.remaining if max_qty is None else min(order.remaining, max_qty)
    if order.price is None:
        return _match_market(state, order, book, qty)
    if book is None or not is_marketable(book, order.side, order.price):
        return (), book
    if order.post_only:
        message = (
            f"a post-only {order.side.value} at {decimal_text(order.price)} would take at once"
        )
        return Rejection(code="post_only_would_take", message=message)
    fills, after = match_limit(book, order.side, qty, order.price)
    if order.terms.time_in_force is TimeInForce.FOK and not _is_filled_entirely(order, fills):
        return (), book
    return fills, after


def _is_filled_entirely(order: PaperOrder, fills: Sequence[BookFill]) -> bool:
    return reduce(add, (fill.qty for fill in fills), ZERO) == order.remaining


def _match_market(
    state: StepState, order: PaperOrder, book: BookSide | None, qty: Decimal
) -> tuple[Sequence[BookFill], BookSide | None] | Rejection:
    fills: Sequence[BookFill] = ()
    if book is not None and qty:
        tick, rules = state.instruments[order.symbol].tick, state.settings
        fills, book = match_market(
            book, order.side, qty, tick=tick, impact=rules.impact, slippage=rules.slippage
        )
        if order.terms.time_in_force is TimeInForce.FOK and not _is_filled_entirely(order, fills):
            return (), None
    if not fills and qty:
        message = f"there is no price to {order.side.value} {order.symbol} at"
        return Rejection(code="no_price", message=message)
    return fills, book


def _check_funds(
    state: StepState, order: PaperOrder, fills: Sequence[BookFill]
) -> Rejection | None:
    instrument = state.instruments[order.symbol]
    if instrument.kind is not InstrumentKind.SPOT:
        needed, funds = required_margin(state, order, fills)
    elif order.side is Side.BUY:
        needed = _cost_needed(state, instrument, order, fills)
        funds = withdrawable(state, instrument.quote)
    elif state.settings.allow_spot_short and not has_positions_settled_in(state, instrument.base):
        return None
    else:
        needed, funds = order.remaining, withdrawable(state, instrument.base)
    if needed <= funds or not needed:
        return None
    currency = order.locked_currency
    message = (
        f"{decimal_text(needed)} {currency} is needed and {decimal_text(funds)} {currency} is free"
    )
    return Rejection(code="insufficient_funds", message=message)


def _cost_needed(
    state: StepState, instrument: Instrument, order: PaperOrder, fills: Sequence[BookFill]
) -> Decimal:
    """Returns the quote that a spot buy pays for its fills and locks for the remainder."""
    cost, left = ZERO, order.remaining
    for fill in fills:
        cost = add(cost, instrument.notional(fill.qty, fill.price))
        left = subtract(left, fill.qty)
    if not is_fee_in_base(state.settings, instrument, order.side):
        cost = add(cost, max_fee(state.settings, instrument, cost))
    price = order.reserve_price
    if left and price is not None:
        cost = add(cost, spot_lock_amount(state.settings, instrument, order.side, left, price))
    return cost
