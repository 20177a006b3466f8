"""From what the book gives to what is booked: fills, what rests of an order, and its end."""

from collections.abc import Sequence
from decimal import Decimal

from oms.domain.money import add, multiply, round_down_to_step, subtract
from oms.domain.value import evolve
from oms.simulation.events import Canceled, Changed, Expired
from oms.simulation.market.matching import BookFill
from oms.simulation.orders.admission import AdmittedOrder, reducible_qty
from oms.simulation.orders.resting_orders import find_sibling, release_lock, rest_order
from oms.simulation.orders.settlement import settle_fill
from oms.simulation.state.exchange_state import PLAIN_TERMS, PaperOrder, TimeInForce
from oms.simulation.state.step_state import StepState

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def execute_admitted(sheet: StepState, admitted: AdmittedOrder) -> None:
    """Execute what the book gave; what is left rests, or ends where it may not."""
    order, takings = admitted.order, admitted.takings
    if takings:
        if admitted.book is not None:
            sheet.leave(order.symbol, order.side, admitted.book)
        if sheet.settings.partial_fill:
            takings = _split(sheet, order, takings)
        order = execute(sheet, order, takings, maker=False)
    if order.filled == order.qty:
        sheet.end_order(order)
        return
    if _may_rest(order):
        rest_order(sheet, order)
        return
    sheet.end_order(order)
    is_market = order.terms.time_in_force not in _AT_ONCE
    reason = "unfilled" if is_market else order.terms.time_in_force.value.lower()
    sheet.events.append(Canceled(order=order, reason=reason))
    _end_sibling(sheet, order)


def execute(
    sheet: StepState, order: PaperOrder, takings: Sequence[BookFill], *, maker: bool
) -> PaperOrder:
    """Book fills of ``order``, which holds no lock; the first one of a pair ends the other."""
    terms = order.terms
    if terms is PLAIN_TERMS:
        for taking in takings:
            order = settle_fill(sheet, order, taking, maker=maker)
        return order
    _end_sibling(sheet, order)
    before = order
    for taking in takings:
        order = settle_fill(sheet, order, taking, maker=maker)
    if terms.take_profit is not None or terms.stop_loss is not None:
        sheet.filled_parents.setdefault(order.exchange_order_id, before)
    return order


def fill_resting(sheet: StepState, order: PaperOrder, takings: Sequence[BookFill]) -> None:
    """Execute a resting order as maker, and let the remainder rest."""
    rest_order(sheet, execute(sheet, release_lock(sheet, order), takings, maker=True))


def cap_to_position(sheet: StepState, order: PaperOrder) -> PaperOrder | None:
    """A resting order no larger than what it may execute; ``None`` if it was ended for that."""
    if not order.reduce_only:
        return order
    held = reducible_qty(sheet, order)
    if not held:
        terminate_order(sheet, order, reason="reduce_only")
        return None
    if held == order.remaining:
        return order
    cut = evolve(release_lock(sheet, order), qty=add(order.filled, held))
    sheet.events.append(Changed(order=cut))
    rest_order(sheet, cut)
    return sheet.order(order.symbol, order.exchange_order_id)


def terminate_order(
    sheet: StepState, order: PaperOrder, *, reason: str = "", expired: bool = False
) -> None:
    """End an open order, and with it the other one of its pair."""
    order = release_lock(sheet, order)
    sheet.end_order(order)
    sheet.events.append(Expired(order=order) if expired else Canceled(order=order, reason=reason))
    _end_sibling(sheet, order)


def _end_sibling(sheet: StepState, order: PaperOrder) -> None:
    sibling = find_sibling(sheet, order)
    if sibling is not None:
        alone = release_lock(sheet, evolve(sibling, terms=evolve(sibling.terms, sibling="")))
        sheet.end_order(alone)
        sheet.events.append(Canceled(order=alone, reason="oco"))


def _may_rest(order: PaperOrder) -> bool:
    if order.is_waiting:
        return True
    return order.price is not None and order.terms.time_in_force not in _AT_ONCE


def _split(sheet: StepState, order: PaperOrder, takings: Sequence[BookFill]) -> list[BookFill]:
    """Each in two, the first of the share that is set."""
    instrument, share = sheet.instruments[order.symbol], sheet.settings.partial_fill
    parts: list[BookFill] = []
    for taking in takings:
        first: Decimal = round_down_to_step(multiply(taking.qty, share), instrument.step)
        qtys = [qty for qty in (first, subtract(taking.qty, first)) if qty > 0]
        parts += [evolve(taking, qty=qty) for qty in qtys]
    return parts
