"""What a sender asks for: orders that arrive, alone or in pairs, are changed, or canceled."""

from decimal import Decimal

from oms.domain.instrument import Kind
from oms.domain.money import ZERO, down_to_step, plain, product
from oms.domain.order import Side
from oms.domain.value import constructor, evolve
from oms.simulation.admission import Admitted, Rejection, admit
from oms.simulation.chance import share
from oms.simulation.children import misplaced
from oms.simulation.costs import lock_currency
from oms.simulation.executing import carry_out, end
from oms.simulation.facts import Accepted, Changed
from oms.simulation.faults import Fault, FaultKind
from oms.simulation.inputs import Cancel, Change, Place, PlacePair
from oms.simulation.matching import qty_for_cost
from oms.simulation.memory import PLAIN, Leg, Memory, PaperOrder, TimeInForce
from oms.simulation.resting import released
from oms.simulation.sheet import Sheet
from oms.simulation.triggers import CONDITIONAL, LIMITED, ORDER_TYPES, arm

_new_order, _new_accepted = constructor(PaperOrder), constructor(Accepted)


def place(sheet: Sheet, wish: Place) -> Rejection | None:
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
    sheet.facts.append(_new_accepted(order=order))
    if admitted.order.qty != order.qty:
        sheet.facts.append(Changed(order=admitted.order))
    carry_out(sheet, admitted)
    return None


def place_pair(sheet: Sheet, wish: PlacePair) -> Rejection | None:
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
    admitted: list[Admitted] = []
    for verdict in judged:
        if isinstance(verdict, Rejection):
            return verdict
        admitted.append(verdict)
    for order in (first, second):
        sheet.orders_made += 1
        sheet.facts.append(Accepted(order=order))
    sheet.put_order(admitted[1].order)
    sheet.facts += [
        Changed(order=verdict.order)
        for verdict, order in zip(admitted, (first, second), strict=True)
        if verdict.order.qty != order.qty
    ]
    carry_out(sheet, admitted[0])
    return None


def change(sheet: Sheet, wish: Change) -> Rejection | None:
    """Change price, total quantity or trigger of an open order; it is judged like a new one."""
    order = sheet.order(wish.symbol, wish.exchange_order_id)
    if order is None:
        return _not_open(sheet.before, wish.exchange_order_id)
    qty = order.qty if wish.qty is None else wish.qty
    price = order.price if wish.price is None else wish.price
    if qty < order.filled:
        message = f"quantity {plain(qty)} is below what is filled, {plain(order.filled)}"
        return Rejection(code="too_late", message=message)
    changed = _retriggered(sheet, order, wish)
    if isinstance(changed, Rejection):
        return changed
    if price is not None and order.price is None:
        return Rejection(code="exchange_rejected", message="the order has no price to change")
    keeps_place = qty <= order.qty and price == order.price and changed.terms is order.terms
    released(sheet, order)
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
    sheet.facts.append(Changed(order=admitted.order))
    carry_out(sheet, admitted)
    return None


def cancel(sheet: Sheet, wish: Cancel) -> Rejection | None:
    """Cancel what is left of an order, and with it the other one of its pair."""
    order = sheet.order(wish.symbol, wish.exchange_order_id)
    if order is None:
        return _not_open(sheet.before, wish.exchange_order_id)
    end(sheet, order)
    return None


def expire(sheet: Sheet) -> None:
    """End the orders whose time is over, the oldest first."""
    found = (sheet.order(symbol, name) for name, symbol in sheet.special.items())
    over = [o for o in found if o and o.terms.expires_at and o.terms.expires_at <= sheet.at]
    for order in sorted(over, key=lambda order: order.number):
        current = sheet.order(order.symbol, order.exchange_order_id)
        if current is not None:
            end(sheet, current, expired=True)


def _ordered(sheet: Sheet, wish: Place, number: int) -> PaperOrder | Rejection:
    """The order that is wished for, or why there can be no such order."""
    instrument = sheet.instruments[wish.symbol]
    terms = PLAIN if wish.terms is PLAIN or wish.terms == PLAIN else wish.terms
    qty = wish.qty if wish.cost is None else _qty_for_cost(sheet, wish, wish.cost)
    leg = _leg(wish) if sheet.settings.hedge and instrument.kind is not Kind.SPOT else Leg.BOTH
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
    if terms is PLAIN and wish.order_type in _PLAIN_TYPES and qty:
        return order
    return _malformed(sheet, order) or (arm(sheet, order) if order.is_waiting else order)


_PLAIN_TYPES = frozenset({"market", "limit"})


def _leg(wish: Place) -> Leg:
    """A hedge account's order opens its own side's leg, or reduces the other side's.

    Told the leg of the other side, it can only reduce that.
    """
    if wish.leg is not None:
        return wish.leg
    return _opened(wish.side.opposite if wish.reduce_only else wish.side)


def _opened(side: Side) -> Leg:
    return Leg.LONG if side is Side.BUY else Leg.SHORT


def _malformed(sheet: Sheet, order: PaperOrder) -> Rejection | None:
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
        f"{kind} orders {'have' if kind in LIMITED else 'have no'} a price": (
            (order.price is not None) is not (kind in LIMITED)
        ),
        "conditional orders, and they alone, have a trigger price": (
            (terms.trigger_price is not None) is not (kind in CONDITIONAL and not trails)
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
    return misplaced(order, best[0] if entry is None and best is not None else entry)


def _at_most(sheet: Sheet, fault: Fault, order: PaperOrder) -> Decimal | None:
    """What a fault leaves of the order to be executed at once."""
    if fault.kind is not FaultKind.PARTIAL:
        return None
    return down_to_step(product(order.qty, fault.amount), sheet.instruments[order.symbol].step)


def _qty_for_cost(sheet: Sheet, wish: Place, cost: Decimal) -> Decimal:
    """Whole steps that ``cost`` buys; 0 where there is no price, or no such order."""
    market, instrument = sheet.fresh_market(wish.symbol), sheet.instruments[wish.symbol]
    is_spot_buy = wish.side is Side.BUY and instrument.kind is Kind.SPOT
    if market is None or not is_spot_buy or wish.order_type != "market":
        return ZERO
    return qty_for_cost(market.asks, cost, instrument.step)


def _is_unlucky(sheet: Sheet, wish: Place) -> bool:
    drawn = share(sheet.settings.seed, f"reject:{wish.client_id}", sheet.before.version)
    return drawn < sheet.settings.reject_rate


def _paired(order: PaperOrder, other: PaperOrder) -> PaperOrder:
    return evolve(order, terms=evolve(order.terms, sibling=other.exchange_order_id))


def _retriggered(sheet: Sheet, order: PaperOrder, wish: Change) -> PaperOrder | Rejection:
    """The order with the wished trigger price, if it still waits for one."""
    trigger = wish.trigger_price
    if trigger is None or trigger == order.terms.trigger_price:
        return order
    if not order.is_waiting or order.terms.trigger_price is None:
        return Rejection(code="exchange_rejected", message="the order waits for no such trigger")
    return arm(sheet, evolve(order, terms=evolve(order.terms, trigger_price=trigger)))


def _not_open(memory: Memory, name: str) -> Rejection:
    """Ids are counted: one that was given and is not open belongs to a final order."""
    number = name[1:] if name.startswith("o") else ""
    if number.isascii() and number.isdigit() and 0 < int(number) <= memory.orders_made:
        return Rejection(code="order_not_open", message=f"order {name} is final")
    return Rejection(code="order_not_found", message=f"no order {name!r} was ever placed")
