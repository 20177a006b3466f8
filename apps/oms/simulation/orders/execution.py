"""Executes orders: books their fills, rests the remainder, and ends them."""

from collections.abc import Sequence
from decimal import Decimal

from oms.domain.money import add, multiply, round_down_to_step, subtract
from oms.domain.value import evolve
from oms.simulation.events import Canceled, Changed, Expired
from oms.simulation.market.matching import BookFill
from oms.simulation.orders.admission import AdmittedOrder, reducible_qty
from oms.simulation.orders.resting_orders import find_sibling, release_lock, rest_order
from oms.simulation.orders.settlement import settle_fill
from oms.simulation.state.paper_order import PLAIN_TERMS, PaperOrder, TimeInForce
from oms.simulation.state.step_state import StepState

_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def execute_admitted(state: StepState, admitted: AdmittedOrder) -> None:
    """Books the fills of an admitted order; the remainder rests, or is canceled."""
    order, fills = admitted.order, admitted.fills
    if fills:
        if admitted.book is not None:
            state.consume_depth(order.symbol, order.side, admitted.book)
        if state.settings.partial_fill:
            fills = _split_fills(state, order, fills)
        order = execute(state, order, fills, maker=False)
    if order.filled == order.qty:
        state.end_order(order)
        return
    if _may_rest(order):
        rest_order(state, order)
        return
    state.end_order(order)
    is_market = order.terms.time_in_force not in _IMMEDIATE
    reason = "unfilled" if is_market else order.terms.time_in_force.value.lower()
    state.events.append(Canceled(order=order, reason=reason))
    _cancel_sibling(state, order)


def execute(
    state: StepState, order: PaperOrder, fills: Sequence[BookFill], *, maker: bool
) -> PaperOrder:
    """Books fills of ``order``, which holds no lock; ends the other order of its pair."""
    terms = order.terms
    if terms is PLAIN_TERMS:
        for fill in fills:
            order = settle_fill(state, order, fill, maker=maker)
        return order
    _cancel_sibling(state, order)
    before = order
    for fill in fills:
        order = settle_fill(state, order, fill, maker=maker)
    if terms.take_profit is not None or terms.stop_loss is not None:
        state.filled_parents.setdefault(order.exchange_order_id, before)
    return order


def fill_resting(state: StepState, order: PaperOrder, fills: Sequence[BookFill]) -> None:
    """Books fills of a resting order as maker; the remainder rests."""
    rest_order(state, execute(state, release_lock(state, order), fills, maker=True))


def cap_to_position(state: StepState, order: PaperOrder) -> PaperOrder | None:
    """Reduces a resting reduce-only order to its position; returns ``None`` if that ended it."""
    if not order.reduce_only:
        return order
    reducible = reducible_qty(state, order)
    if not reducible:
        terminate_order(state, order, reason="reduce_only")
        return None
    if reducible == order.remaining:
        return order
    capped = evolve(release_lock(state, order), qty=add(order.filled, reducible))
    state.events.append(Changed(order=capped))
    rest_order(state, capped)
    return state.order(order.symbol, order.exchange_order_id)


def terminate_order(
    state: StepState, order: PaperOrder, *, reason: str = "", expired: bool = False
) -> None:
    """Ends an open order and the other order of its pair."""
    order = release_lock(state, order)
    state.end_order(order)
    state.events.append(Expired(order=order) if expired else Canceled(order=order, reason=reason))
    _cancel_sibling(state, order)


def _cancel_sibling(state: StepState, order: PaperOrder) -> None:
    sibling = find_sibling(state, order)
    if sibling is not None:
        unlinked = release_lock(state, evolve(sibling, terms=evolve(sibling.terms, sibling="")))
        state.end_order(unlinked)
        state.events.append(Canceled(order=unlinked, reason="oco"))


def _may_rest(order: PaperOrder) -> bool:
    if order.is_waiting:
        return True
    return order.price is not None and order.terms.time_in_force not in _IMMEDIATE


def _split_fills(state: StepState, order: PaperOrder, fills: Sequence[BookFill]) -> list[BookFill]:
    """Splits each fill in two; the first part has the share that is set."""
    instrument, share = state.instruments[order.symbol], state.settings.partial_fill
    parts: list[BookFill] = []
    for fill in fills:
        first: Decimal = round_down_to_step(multiply(fill.qty, share), instrument.step)
        qtys = [qty for qty in (first, subtract(fill.qty, first)) if qty > 0]
        parts += [evolve(fill, qty=qty) for qty in qtys]
    return parts
