"""Orders that wait: what they lock, and what becomes of the lock.

Of a pair only one can be executed, so the larger of both locks is held, once. Orders that the
exchange attached to another lock nothing: what they get out of stays free to be closed by hand.
"""

from decimal import Decimal

from oms.domain.instrument import Kind
from oms.domain.money import ZERO, difference
from oms.domain.value import evolve
from oms.simulation.costs import contract_lock, opening_qty, spot_lock
from oms.simulation.memory import OrderSource, PaperOrder
from oms.simulation.queueing import queue_of
from oms.simulation.settings import FillModel
from oms.simulation.sheet import Sheet


def rest(sheet: Sheet, order: PaperOrder) -> None:
    """Let what remains of ``order``, which holds no lock, wait; end it if nothing does."""
    if not order.remaining:
        sheet.end_order(order)
        return
    amount = lock_of(sheet, order)
    if order.terms.sibling:
        amount = _larger(sheet, order, amount)
    sheet.lock(order.locked_currency, amount)
    queue = order.queue
    if queue is None and sheet.settings.fill is FillModel.QUEUE and not order.is_waiting:
        queue = queue_of(sheet.markets.get(order.symbol), order)
    sheet.put_order(evolve(order, locked=amount, queue=queue))


def released(sheet: Sheet, order: PaperOrder) -> PaperOrder:
    """``order`` without its lock, which was given back, as was that of its sibling."""
    sheet.lock(order.locked_currency, order.locked.copy_negate())
    sibling = sibling_of(sheet, order)
    if sibling is not None:
        _relock(sheet, sibling, ZERO)
    return evolve(order, locked=ZERO) if order.locked else order


def sibling_of(sheet: Sheet, order: PaperOrder) -> PaperOrder | None:
    """The other one of a pair, while it is open."""
    name = order.terms.sibling
    return sheet.order(order.symbol, name) if name else None


def lock_of(sheet: Sheet, order: PaperOrder) -> Decimal:
    """What the remaining quantity of an order locks; reduce-only contracts nothing."""
    price = order.reserve_price
    if price is None or order.terms.source is OrderSource.ATTACHED:
        return ZERO
    instrument = sheet.instruments[order.symbol]
    if instrument.kind is Kind.SPOT:
        return spot_lock(sheet.settings, instrument, order.side, order.remaining, price)
    if order.reduce_only:
        return ZERO
    held = sheet.held(order.symbol, order.leg)
    opening = opening_qty(order.side, order.remaining, held)
    return contract_lock(sheet, instrument, opening, price)


def _larger(sheet: Sheet, order: PaperOrder, amount: Decimal) -> Decimal:
    """What ``order`` holds of the one lock of its pair."""
    sibling = sibling_of(sheet, order)
    if sibling is None:
        return amount
    other = lock_of(sheet, sibling)
    _relock(sheet, sibling, ZERO if amount >= other else other)
    return amount if amount >= other else ZERO


def _relock(sheet: Sheet, order: PaperOrder, amount: Decimal) -> None:
    if order.locked != amount:
        sheet.lock(order.locked_currency, difference(amount, order.locked))
        sheet.put_order(evolve(order, locked=amount))
