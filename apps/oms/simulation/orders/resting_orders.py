"""Resting orders and the amounts they lock.

Only one order of a pair can be filled, so only the larger of both locks is held. Attached orders
lock nothing: the position stays free to be closed manually.
"""

from decimal import Decimal

from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, subtract
from oms.domain.value import evolve
from oms.simulation.account.costs import contract_lock_amount, opening_qty, spot_lock_amount
from oms.simulation.market.queue_position import estimate_queue_position
from oms.simulation.settings import FillModel
from oms.simulation.state.paper_order import OrderSource, PaperOrder
from oms.simulation.state.step_state import StepState


def rest_order(state: StepState, order: PaperOrder) -> None:
    """Rests the remainder of ``order``, which must hold no lock; ends it if nothing remains."""
    if not order.remaining:
        state.end_order(order)
        return
    amount = compute_lock(state, order)
    if order.terms.sibling:
        amount = _take_pair_lock(state, order, amount)
    state.lock(order.locked_currency, amount)
    queue = order.queue
    if queue is None and state.settings.fill is FillModel.QUEUE and not order.is_waiting:
        queue = estimate_queue_position(state.markets.get(order.symbol), order)
    state.put_order(evolve(order, locked=amount, queue=queue))


def release_lock(state: StepState, order: PaperOrder) -> PaperOrder:
    """Returns ``order`` without a lock after unlocking its amount and that of its sibling."""
    state.lock(order.locked_currency, order.locked.copy_negate())
    sibling = find_sibling(state, order)
    if sibling is not None:
        _set_lock(state, sibling, ZERO)
    return evolve(order, locked=ZERO) if order.locked else order


def find_sibling(state: StepState, order: PaperOrder) -> PaperOrder | None:
    """Returns the other order of a pair while it is open."""
    order_id = order.terms.sibling
    return state.order(order.symbol, order_id) if order_id else None


def compute_lock(state: StepState, order: PaperOrder) -> Decimal:
    """Returns the amount that the remaining quantity locks; 0 for reduce-only contract orders."""
    price = order.reserve_price
    if price is None or order.terms.source is OrderSource.ATTACHED:
        return ZERO
    instrument = state.instruments[order.symbol]
    if instrument.kind is InstrumentKind.SPOT:
        return spot_lock_amount(state.settings, instrument, order.side, order.remaining, price)
    if order.reduce_only:
        return ZERO
    position_qty = state.position_qty(order.symbol, order.leg)
    opening = opening_qty(order.side, order.remaining, position_qty)
    return contract_lock_amount(state, instrument, opening, price)


def _take_pair_lock(state: StepState, order: PaperOrder, amount: Decimal) -> Decimal:
    """Returns what ``order`` locks of the shared lock of its pair, and adjusts its sibling."""
    sibling = find_sibling(state, order)
    if sibling is None:
        return amount
    other = compute_lock(state, sibling)
    _set_lock(state, sibling, ZERO if amount >= other else other)
    return amount if amount >= other else ZERO


def _set_lock(state: StepState, order: PaperOrder, amount: Decimal) -> None:
    if order.locked != amount:
        state.lock(order.locked_currency, subtract(amount, order.locked))
        state.put_order(evolve(order, locked=amount))
