"""From what the book gives to what is booked: fills, what rests of an order, and its end."""

from collections.abc import Sequence
from decimal import Decimal

from oms.domain.money import difference, down_to_step, product, total
from oms.domain.value import evolve
from oms.simulation.admission import Admitted, reducible
from oms.simulation.facts import Canceled, Changed, Expired
from oms.simulation.matching import Taking
from oms.simulation.memory import PLAIN, PaperOrder, TimeInForce
from oms.simulation.resting import released, rest, sibling_of
from oms.simulation.settling import settle
from oms.simulation.sheet import Sheet

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def carry_out(sheet: Sheet, admitted: Admitted) -> None:
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
        rest(sheet, order)
        return
    sheet.end_order(order)
    is_market = order.terms.time_in_force not in _AT_ONCE
    reason = "unfilled" if is_market else order.terms.time_in_force.value.lower()
    sheet.facts.append(Canceled(order=order, reason=reason))
    _end_sibling(sheet, order)


def execute(
    sheet: Sheet, order: PaperOrder, takings: Sequence[Taking], *, maker: bool
) -> PaperOrder:
    """Book fills of ``order``, which holds no lock; the first one of a pair ends the other."""
    terms = order.terms
    if terms is PLAIN:
        for taking in takings:
            order = settle(sheet, order, taking, maker=maker)
        return order
    _end_sibling(sheet, order)
    before = order
    for taking in takings:
        order = settle(sheet, order, taking, maker=maker)
    if terms.take_profit is not None or terms.stop_loss is not None:
        sheet.parents.setdefault(order.exchange_order_id, before)
    return order


def fill_resting(sheet: Sheet, order: PaperOrder, takings: Sequence[Taking]) -> None:
    """Execute a resting order as maker, and let the remainder rest."""
    rest(sheet, execute(sheet, released(sheet, order), takings, maker=True))


def cut_to_held(sheet: Sheet, order: PaperOrder) -> PaperOrder | None:
    """A resting order no larger than what it may execute; ``None`` if it was ended for that."""
    if not order.reduce_only:
        return order
    held = reducible(sheet, order)
    if not held:
        end(sheet, order, reason="reduce_only")
        return None
    if held == order.remaining:
        return order
    cut = evolve(released(sheet, order), qty=total(order.filled, held))
    sheet.facts.append(Changed(order=cut))
    rest(sheet, cut)
    return sheet.order(order.symbol, order.exchange_order_id)


def end(sheet: Sheet, order: PaperOrder, *, reason: str = "", expired: bool = False) -> None:
    """End an open order, and with it the other one of its pair."""
    order = released(sheet, order)
    sheet.end_order(order)
    sheet.facts.append(Expired(order=order) if expired else Canceled(order=order, reason=reason))
    _end_sibling(sheet, order)


def _end_sibling(sheet: Sheet, order: PaperOrder) -> None:
    sibling = sibling_of(sheet, order)
    if sibling is not None:
        alone = released(sheet, evolve(sibling, terms=evolve(sibling.terms, sibling="")))
        sheet.end_order(alone)
        sheet.facts.append(Canceled(order=alone, reason="oco"))


def _may_rest(order: PaperOrder) -> bool:
    if order.is_waiting:
        return True
    return order.price is not None and order.terms.time_in_force not in _AT_ONCE


def _split(sheet: Sheet, order: PaperOrder, takings: Sequence[Taking]) -> list[Taking]:
    """Each in two, the first of the share that is set."""
    instrument, share = sheet.instruments[order.symbol], sheet.settings.partial_fill
    parts: list[Taking] = []
    for taking in takings:
        first: Decimal = down_to_step(product(taking.qty, share), instrument.step)
        qtys = [qty for qty in (first, difference(taking.qty, first)) if qty > 0]
        parts += [evolve(taking, qty=qty) for qty in qtys]
    return parts
