"""Order requests: places orders and pairs, changes, cancels and expires orders."""

from decimal import Decimal

from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, decimal_text, multiply, round_down_to_step
from oms.domain.orders.order import Side
from oms.domain.value import constructor, evolve
from oms.simulation.account.costs import lock_currency
from oms.simulation.events import Accepted, Changed
from oms.simulation.inputs import CancelOrder, ChangeOrder, NewOrder, NewOrderPair
from oms.simulation.market.matching import qty_for_cost
from oms.simulation.orders.admission import AdmittedOrder, Rejection, admit
from oms.simulation.orders.attached_exits import check_exit_prices
from oms.simulation.orders.execution import execute_admitted, terminate_order
from oms.simulation.orders.resting_orders import release_lock
from oms.simulation.orders.triggers import (
    ORDER_TYPES,
    PRICED_ORDER_TYPES,
    TRIGGER_KINDS,
    arm_trigger,
)
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_order import PLAIN_TERMS, Leg, OrderTerms, PaperOrder, TimeInForce
from oms.simulation.state.step_state import StepState
from oms.simulation.transport.faults import Fault, FaultKind, seeded_uniform

_new_order, _new_accepted = constructor(PaperOrder), constructor(Accepted)


def place_order(state: StepState, request: NewOrder) -> Rejection | None:
    """Places an order. Returns why it is rejected, else ``None``."""
    if state.settings.reject_rate and _is_randomly_rejected(state, request):
        return Rejection(code="exchange_rejected", message="randomly rejected, by reject_rate")
    order = _build_order(state, request, state.orders_made + 1)
    if isinstance(order, Rejection):
        return order
    max_qty = None if request.fault is None else _initial_fill_limit(state, request.fault, order)
    admitted = admit(state, order, max_qty)
    if isinstance(admitted, Rejection):
        return admitted
    state.orders_made += 1
    state.events.append(_new_accepted(order=order))
    if admitted.order.qty != order.qty:
        state.events.append(Changed(order=admitted.order))
    execute_admitted(state, admitted)
    return None


def place_order_pair(state: StepState, request: NewOrderPair) -> Rejection | None:
    """Places an OCO pair, both orders or none. Returns why it is rejected, else ``None``."""
    number = state.orders_made
    first = _build_order(state, request.first, number + 1)
    second = _build_order(state, request.second, number + 2)
    if isinstance(first, Rejection):
        return first
    if isinstance(second, Rejection):
        return second
    if not second.is_waiting or (first.symbol, first.side) != (second.symbol, second.side):
        message = "the second order of a pair needs a trigger, and the side of the first"
        return Rejection(code="exchange_rejected", message=message)
    first = _link_sibling(first, second)
    second = _link_sibling(second, first)
    decisions = [admit(state, order) for order in (first, second)]
    admitted: list[AdmittedOrder] = []
    for decision in decisions:
        if isinstance(decision, Rejection):
            return decision
        admitted.append(decision)
    for order in (first, second):
        state.orders_made += 1
        state.events.append(Accepted(order=order))
    state.put_order(admitted[1].order)
    state.events += [
        Changed(order=decision.order)
        for decision, order in zip(admitted, (first, second), strict=True)
        if decision.order.qty != order.qty
    ]
    execute_admitted(state, admitted[0])
    return None


def change_order(state: StepState, request: ChangeOrder) -> Rejection | None:
    """Changes terms of an open order; admitted like a new one."""
    order = state.order(request.symbol, request.exchange_order_id)
    if order is None:
        return _reject_not_open(state.before, request.exchange_order_id)
    qty = order.qty if request.qty is None else request.qty
    price = order.price if request.price is None else request.price
    if qty < order.filled:
        message = (
            f"quantity {decimal_text(qty)} is below what is filled, {decimal_text(order.filled)}"
        )
        return Rejection(code="too_late", message=message)
    changed = _with_new_terms(state, order, request)
    if isinstance(changed, Rejection):
        return changed
    if price is not None and order.price is None:
        return Rejection(code="exchange_rejected", message="the order has no price to change")
    keeps_priority = qty <= order.qty and price == order.price
    keeps_priority = keeps_priority and _trigger_of(changed.terms) == _trigger_of(order.terms)
    release_lock(state, order)
    changed = evolve(
        changed,
        qty=qty,
        price=price,
        rank=order.rank if keeps_priority else state.next_rank(),
        queue=order.queue if keeps_priority else None,
        locked=ZERO,
    )
    admitted = admit(state, changed)
    if isinstance(admitted, Rejection):
        return admitted
    state.events.append(Changed(order=admitted.order))
    execute_admitted(state, admitted)
    return None


def cancel_order(state: StepState, request: CancelOrder) -> Rejection | None:
    """Cancels the rest of an order and the other order of its pair."""
    order = state.order(request.symbol, request.exchange_order_id)
    if order is None:
        return _reject_not_open(state.before, request.exchange_order_id)
    terminate_order(state, order)
    return None


def expire_orders(state: StepState) -> None:
    """Ends the orders that have expired, the oldest first."""
    found = (state.order(symbol, name) for name, symbol in state.orders_with_terms.items())
    expired = [o for o in found if o and o.terms.expires_at and o.terms.expires_at <= state.at]
    for order in sorted(expired, key=lambda order: order.number):
        current = state.order(order.symbol, order.exchange_order_id)
        if current is not None:
            terminate_order(state, current, expired=True)


def _build_order(state: StepState, request: NewOrder, number: int) -> PaperOrder | Rejection:
    """Returns the requested order, or why it is rejected."""
    instrument = state.instruments[request.symbol]
    terms = (
        PLAIN_TERMS
        if request.terms is PLAIN_TERMS or request.terms == PLAIN_TERMS
        else request.terms
    )
    qty = request.qty if request.cost is None else _qty_for_cost(state, request, request.cost)
    leg = (
        _leg(request)
        if state.settings.hedge and instrument.kind is not InstrumentKind.SPOT
        else Leg.BOTH
    )
    order = _new_order(
        exchange_order_id=f"o{number}",
        client_id=request.client_id,
        symbol=request.symbol,
        side=request.side,
        order_type=request.order_type,
        qty=qty,
        price=request.price,
        leg=leg,
        reduce_only=request.reduce_only
        or (leg is not Leg.BOTH and leg is not _leg_opened_by(request.side)),
        post_only=request.post_only,
        rank=state.next_rank(),
        locked_currency=lock_currency(instrument, request.side),
        created_at=state.at,
        terms=terms,
    )
    if terms is PLAIN_TERMS and request.order_type in _PLAIN_TYPES and qty:
        return order
    return _check_form(state, order) or (arm_trigger(state, order) if order.is_waiting else order)


_PLAIN_TYPES = frozenset({"market", "limit"})
_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def _leg(request: NewOrder) -> Leg:
    """Returns the leg of the order's own side if it opens, of the other side if it reduces.

    A leg that the request names is used as it is; that of the other side can only be reduced.
    """
    if request.leg is not None:
        return request.leg
    return _leg_opened_by(request.side.opposite if request.reduce_only else request.side)


def _leg_opened_by(side: Side) -> Leg:
    return Leg.LONG if side is Side.BUY else Leg.SHORT


def _check_form(state: StepState, order: PaperOrder) -> Rejection | None:
    terms, kind = order.terms, order.order_type
    if kind not in ORDER_TYPES:
        message = f"the paper exchange does not know the order type {kind}"
        return Rejection(code="order_type_not_supported", message=message)
    distances = [terms.trailing_amount, terms.trailing_percent]
    trails = kind == "trailing_stop"
    at_once = terms.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    is_gtd = terms.time_in_force is TimeInForce.GTD
    violations = {
        "a quantity of at least one step is needed": not order.qty,
        f"{kind} orders {'have' if kind in PRICED_ORDER_TYPES else 'have no'} a price": (
            (order.price is not None) is not (kind in PRICED_ORDER_TYPES)
        ),
        "conditional orders, and only they, need a trigger price": (
            (terms.trigger_price is not None) is not (kind in TRIGGER_KINDS and not trails)
        ),
        "trailing stops, and only they, need exactly one distance": sum(map(bool, distances))
        != trails,
        "an order that may not rest cannot be post-only": at_once and order.post_only,
        "GTD orders, and only they, need an expiry time": is_gtd is not bool(terms.expires_at),
        "the order has expired": bool(terms.expires_at and terms.expires_at <= state.at),
    }
    for message, is_violated in violations.items():
        if is_violated:
            return Rejection(code="exchange_rejected", message=message)
    entry_price = order.reserve_price
    market = state.fresh_market(order.symbol)
    best = None if market is None else market.opposite(order.side).best
    return check_exit_prices(
        order, best[0] if entry_price is None and best is not None else entry_price
    )


def _initial_fill_limit(state: StepState, fault: Fault, order: PaperOrder) -> Decimal | None:
    """Returns how much a partial-fill fault lets fill on arrival; ``None`` is no limit."""
    if fault.kind is not FaultKind.PARTIAL:
        return None
    return round_down_to_step(
        multiply(order.qty, fault.amount), state.instruments[order.symbol].step
    )


def _qty_for_cost(state: StepState, request: NewOrder, cost: Decimal) -> Decimal:
    """Returns the whole steps that ``cost`` buys; 0 without price, or if no spot market buy."""
    market, instrument = state.fresh_market(request.symbol), state.instruments[request.symbol]
    is_spot_buy = request.side is Side.BUY and instrument.kind is InstrumentKind.SPOT
    if market is None or not is_spot_buy or request.order_type != "market":
        return ZERO
    return qty_for_cost(market.asks, cost, instrument.step)


def _is_randomly_rejected(state: StepState, request: NewOrder) -> bool:
    fraction = seeded_uniform(
        state.settings.seed, f"reject:{request.client_id}", state.before.version
    )
    return fraction < state.settings.reject_rate


def _link_sibling(order: PaperOrder, other: PaperOrder) -> PaperOrder:
    return evolve(order, terms=evolve(order.terms, sibling=other.exchange_order_id))


def _with_new_terms(
    state: StepState, order: PaperOrder, request: ChangeOrder
) -> PaperOrder | Rejection:
    """Returns the order with the requested terms, if it still has a trigger to reach."""
    terms = _new_trigger(_new_time(order.terms, request), request)
    if terms == order.terms:
        return order
    changed = evolve(order, terms=PLAIN_TERMS if terms == PLAIN_TERMS else terms)
    moves_trigger = _trigger_of(terms) != _trigger_of(order.terms)
    if moves_trigger and not order.is_waiting:
        return Rejection(code="exchange_rejected", message="the order has no trigger to change")
    kind = terms.time_in_force
    is_immediate = kind in _IMMEDIATE and kind is not order.terms.time_in_force
    if is_immediate and (not order.is_waiting or order.post_only):
        message = f"the order rests and cannot become {kind.value}"
        return Rejection(code="exchange_rejected", message=message)
    refused = _check_form(state, changed)
    if refused is not None:
        return refused
    return arm_trigger(state, changed) if moves_trigger else changed


def _new_time(terms: OrderTerms, request: ChangeOrder) -> OrderTerms:
    if request.expires_at is not None:
        return evolve(terms, time_in_force=TimeInForce.GTD, expires_at=request.expires_at)
    if request.time_in_force in (None, terms.time_in_force):
        return terms
    return evolve(terms, time_in_force=request.time_in_force, expires_at=None)


def _new_trigger(terms: OrderTerms, request: ChangeOrder) -> OrderTerms:
    amount, percent = request.trailing_amount, request.trailing_percent
    if amount is not None or percent is not None:
        terms = evolve(terms, trailing_amount=amount, trailing_percent=percent)
    if request.trigger_price is not None:
        terms = evolve(terms, trigger_price=request.trigger_price)
    return terms


def _trigger_of(terms: OrderTerms) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    return terms.trigger_price, terms.trailing_amount, terms.trailing_percent


def _reject_not_open(state: ExchangeState, order_id: str) -> Rejection:
    """Rejects a request for an order that is not open; used ids are of final orders."""
    number = order_id[1:] if order_id.startswith("o") else ""
    if number.isascii() and number.isdigit() and 0 < int(number) <= state.orders_made:
        return Rejection(code="order_not_open", message=f"order {order_id} is final")
    return Rejection(code="order_not_found", message=f"no order {order_id!r} was ever placed")
