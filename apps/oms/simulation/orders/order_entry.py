"""What a sender asks for: orders that arrive, alone or in pairs, are changed, or canceled."""

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
from oms.simulation.state.exchange_state import (
    PLAIN_TERMS,
    ExchangeState,
    Leg,
    PaperOrder,
    TimeInForce,
)
from oms.simulation.state.step_state import StepState
from oms.simulation.transport.faults import Fault, FaultKind
from oms.simulation.transport.seeded_random import seeded_uniform

_new_order, _new_accepted = constructor(PaperOrder), constructor(Accepted)


def place_order(sheet: StepState, wish: NewOrder) -> Rejection | None:
    """Let an order arrive."""
    if sheet.settings.reject_rate and _is_unlucky(sheet, wish):
        return Rejection(code="exchange_rejected", message="rejected by chance, as is set")
    order = _ordered(sheet, wish, sheet.orders_made + 1)
    if isinstance(order, Rejection):
        return order
    at_most = None if wish.fault is None else _at_most(sheet, wish.fault, order)
    admitted = admit(sheet, order, at_most)
    if isinstance(admitted, Rejection):
        return admitted
    sheet.orders_made += 1
    sheet.events.append(_new_accepted(order=order))
    if admitted.order.qty != order.qty:
        sheet.events.append(Changed(order=admitted.order))
    execute_admitted(sheet, admitted)
    return None


def place_order_pair(sheet: StepState, wish: NewOrderPair) -> Rejection | None:
    """Let two orders arrive of which the first fill of one cancels the other; both or none."""
    number = sheet.orders_made
    first = _ordered(sheet, wish.first, number + 1)
    second = _ordered(sheet, wish.second, number + 2)
    if isinstance(first, Rejection):
        return first
    if isinstance(second, Rejection):
        return second
    if not second.is_waiting or (first.symbol, first.side) != (second.symbol, second.side):
        message = "of a pair the second waits for a trigger, on the side of the first"
        return Rejection(code="exchange_rejected", message=message)
    first = _paired(first, second)
    second = _paired(second, first)
    judged = [admit(sheet, order) for order in (first, second)]
    admitted: list[AdmittedOrder] = []
    for verdict in judged:
        if isinstance(verdict, Rejection):
            return verdict
        admitted.append(verdict)
    for order in (first, second):
        sheet.orders_made += 1
        sheet.events.append(Accepted(order=order))
    sheet.put_order(admitted[1].order)
    sheet.events += [
        Changed(order=verdict.order)
        for verdict, order in zip(admitted, (first, second), strict=True)
        if verdict.order.qty != order.qty
    ]
    execute_admitted(sheet, admitted[0])
    return None


def change_order(sheet: StepState, wish: ChangeOrder) -> Rejection | None:
    """Change price, total quantity or trigger of an open order; it is judged like a new one."""
    order = sheet.order(wish.symbol, wish.exchange_order_id)
    if order is None:
        return _not_open(sheet.before, wish.exchange_order_id)
    qty = order.qty if wish.qty is None else wish.qty
    price = order.price if wish.price is None else wish.price
    if qty < order.filled:
        message = (
            f"quantity {decimal_text(qty)} is below what is filled, {decimal_text(order.filled)}"
        )
        return Rejection(code="too_late", message=message)
    changed = _retriggered(sheet, order, wish)
    if isinstance(changed, Rejection):
        return changed
    if price is not None and order.price is None:
        return Rejection(code="exchange_rejected", message="the order has no price to change")
    keeps_place = qty <= order.qty and price == order.price and changed.terms is order.terms
    release_lock(sheet, order)
    changed = evolve(
        changed,
        qty=qty,
        price=price,
        rank=order.rank if keeps_place else sheet.next_rank(),
        queue=order.queue if keeps_place else None,
        locked=ZERO,
    )
    admitted = admit(sheet, changed)
    if isinstance(admitted, Rejection):
        return admitted
    sheet.events.append(Changed(order=admitted.order))
    execute_admitted(sheet, admitted)
    return None


def cancel_order(sheet: StepState, wish: CancelOrder) -> Rejection | None:
    """Cancel what is left of an order, and with it the other one of its pair."""
    order = sheet.order(wish.symbol, wish.exchange_order_id)
    if order is None:
        return _not_open(sheet.before, wish.exchange_order_id)
    terminate_order(sheet, order)
    return None


def expire_orders(sheet: StepState) -> None:
    """End the orders whose time is over, the oldest first."""
    found = (sheet.order(symbol, name) for name, symbol in sheet.orders_with_terms.items())
    over = [o for o in found if o and o.terms.expires_at and o.terms.expires_at <= sheet.at]
    for order in sorted(over, key=lambda order: order.number):
        current = sheet.order(order.symbol, order.exchange_order_id)
        if current is not None:
            terminate_order(sheet, current, expired=True)


def _ordered(sheet: StepState, wish: NewOrder, number: int) -> PaperOrder | Rejection:
    """The order that is wished for, or why there can be no such order."""
    instrument = sheet.instruments[wish.symbol]
    terms = PLAIN_TERMS if wish.terms is PLAIN_TERMS or wish.terms == PLAIN_TERMS else wish.terms
    qty = wish.qty if wish.cost is None else _qty_for_cost(sheet, wish, wish.cost)
    leg = (
        _leg(wish)
        if sheet.settings.hedge and instrument.kind is not InstrumentKind.SPOT
        else Leg.BOTH
    )
    order = _new_order(
        exchange_order_id=f"o{number}",
        client_id=wish.client_id,
        symbol=wish.symbol,
        side=wish.side,
        order_type=wish.order_type,
        qty=qty,
        price=wish.price,
        leg=leg,
        reduce_only=wish.reduce_only or (leg is not Leg.BOTH and leg is not _opened(wish.side)),
        post_only=wish.post_only,
        rank=sheet.next_rank(),
        locked_currency=lock_currency(instrument, wish.side),
        created_at=sheet.at,
        terms=terms,
    )
    if terms is PLAIN_TERMS and wish.order_type in _PLAIN_TYPES and qty:
        return order
    return _malformed(sheet, order) or (arm_trigger(sheet, order) if order.is_waiting else order)


_PLAIN_TYPES = frozenset({"market", "limit"})


def _leg(wish: NewOrder) -> Leg:
    """A hedge account's order opens its own side's leg, or reduces the other side's.

    Told the leg of the other side, it can only reduce that.
    """
    if wish.leg is not None:
        return wish.leg
    return _opened(wish.side.opposite if wish.reduce_only else wish.side)


def _opened(side: Side) -> Leg:
    return Leg.LONG if side is Side.BUY else Leg.SHORT


def _malformed(sheet: StepState, order: PaperOrder) -> Rejection | None:
    terms, kind = order.terms, order.order_type
    if kind not in ORDER_TYPES:
        message = f"the paper exchange does not know the order type {kind}"
        return Rejection(code="order_type_not_supported", message=message)
    distances = [terms.trailing_amount, terms.trailing_percent]
    trails = kind == "trailing_stop"
    at_once = terms.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    is_gtd = terms.time_in_force is TimeInForce.GTD
    wrong = {
        "a quantity of at least one step is needed": not order.qty,
        f"{kind} orders {'have' if kind in PRICED_ORDER_TYPES else 'have no'} a price": (
            (order.price is not None) is not (kind in PRICED_ORDER_TYPES)
        ),
        "conditional orders, and they alone, have a trigger price": (
            (terms.trigger_price is not None) is not (kind in TRIGGER_KINDS and not trails)
        ),
        "trailing stops, and they alone, have one distance": sum(map(bool, distances)) != trails,
        "an order that may not rest cannot be post-only": at_once and order.post_only,
        "a GTD order, and it alone, has a time to expire": is_gtd is not bool(terms.expires_at),
        "the order has expired": bool(terms.expires_at and terms.expires_at <= sheet.at),
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            return Rejection(code="exchange_rejected", message=message)
    entry = order.reserve_price
    market = sheet.fresh_market(order.symbol)
    best = None if market is None else market.opposite(order.side).best
    return check_exit_prices(order, best[0] if entry is None and best is not None else entry)


def _at_most(sheet: StepState, fault: Fault, order: PaperOrder) -> Decimal | None:
    """What a fault leaves of the order to be executed at once."""
    if fault.kind is not FaultKind.PARTIAL:
        return None
    return round_down_to_step(
        multiply(order.qty, fault.amount), sheet.instruments[order.symbol].step
    )


def _qty_for_cost(sheet: StepState, wish: NewOrder, cost: Decimal) -> Decimal:
    """Whole steps that ``cost`` buys; 0 where there is no price, or no such order."""
    market, instrument = sheet.fresh_market(wish.symbol), sheet.instruments[wish.symbol]
    is_spot_buy = wish.side is Side.BUY and instrument.kind is InstrumentKind.SPOT
    if market is None or not is_spot_buy or wish.order_type != "market":
        return ZERO
    return qty_for_cost(market.asks, cost, instrument.step)


def _is_unlucky(sheet: StepState, wish: NewOrder) -> bool:
    drawn = seeded_uniform(sheet.settings.seed, f"reject:{wish.client_id}", sheet.before.version)
    return drawn < sheet.settings.reject_rate


def _paired(order: PaperOrder, other: PaperOrder) -> PaperOrder:
    return evolve(order, terms=evolve(order.terms, sibling=other.exchange_order_id))


def _retriggered(sheet: StepState, order: PaperOrder, wish: ChangeOrder) -> PaperOrder | Rejection:
    """The order with the wished trigger price, if it still waits for one."""
    trigger = wish.trigger_price
    if trigger is None or trigger == order.terms.trigger_price:
        return order
    if not order.is_waiting or order.terms.trigger_price is None:
        return Rejection(code="exchange_rejected", message="the order waits for no such trigger")
    return arm_trigger(sheet, evolve(order, terms=evolve(order.terms, trigger_price=trigger)))


def _not_open(state: ExchangeState, name: str) -> Rejection:
    """Ids are counted: one that was given and is not open belongs to a final order."""
    number = name[1:] if name.startswith("o") else ""
    if number.isascii() and number.isdigit() and 0 < int(number) <= state.orders_made:
        return Rejection(code="order_not_open", message=f"order {name} is final")
    return Rejection(code="order_not_found", message=f"no order {name!r} was ever placed")
