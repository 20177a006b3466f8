"""Exits attached to an order: a take profit and a stop loss for what it has executed.

They come into being with the parent's first fill and grow with each, both only reduce, and they
never ask for more than is held. They are the exchange's own orders: without a client id, with the
id of their parent. One that is executed cancels the other.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

from oms.domain.money import EXACT, ZERO, add, divide, multiply, subtract
from oms.domain.orders.order import Side
from oms.domain.value import evolve, value
from oms.simulation.account.costs import lock_currency
from oms.simulation.events import Accepted, Changed
from oms.simulation.orders.admission import Rejection, admit, reducible_qty
from oms.simulation.orders.execution import cap_to_position, execute_admitted, terminate_order
from oms.simulation.orders.resting_orders import release_lock
from oms.simulation.orders.triggers import trigger_reached_orders
from oms.simulation.state.exchange_state import AttachedExit, OrderSource, OrderTerms, PaperOrder
from oms.simulation.state.step_state import StepState


def update_attached_exits(sheet: StepState) -> None:
    """After fills: attach exits to what was executed, and cut those that hold too much."""
    symbols = set()
    while sheet.filled_parents:
        name = next(iter(sheet.filled_parents))
        before = sheet.filled_parents.pop(name)
        parent = _latest(sheet, before)
        _grow(sheet, parent, subtract(parent.filled, before.filled))
        symbols.add(parent.symbol)
    for symbol in sorted(symbols):
        trigger_reached_orders(sheet, symbol)
    for child in _attached(sheet):
        current = sheet.order(child.symbol, child.exchange_order_id)
        if current is not None:
            cap_to_position(sheet, current)


def check_exit_prices(order: PaperOrder, price: Decimal | None) -> Rejection | None:
    """Whether exits told as prices lie on the wrong sides of the entry at ``price``."""
    gain, loss = order.terms.take_profit, order.terms.stop_loss
    prices = [loss.price if loss else None, price, gain.price if gain else None]
    known = [each for each in prices if each is not None]
    if order.side is Side.SELL:
        known.reverse()
    if all(low < high for low, high in pairwise(known)):
        return None
    message = "a long needs stop loss < price < take profit, a short the reverse"
    return Rejection(code="exchange_rejected", message=message)


@value
class _Levels:
    """Where a parent's exits are now."""

    gain: Decimal | None
    loss: Decimal | None


def _latest(sheet: StepState, order: PaperOrder) -> PaperOrder:
    """The order as it is now, open or ended in this step."""
    name = order.exchange_order_id
    current = sheet.order(order.symbol, name)
    if current is not None:
        return current
    return next(ended for ended in reversed(sheet.ended) if ended.exchange_order_id == name)


def _attached(sheet: StepState) -> list[PaperOrder]:
    found = (sheet.order(symbol, name) for name, symbol in sheet.orders_with_terms.items())
    children = (o for o in found if o is not None and o.terms.source is OrderSource.ATTACHED)
    return sorted(children, key=lambda order: order.number)


def _grow(sheet: StepState, parent: PaperOrder, qty: Decimal) -> None:
    """Let the parent's exits cover ``qty`` more, which it has just executed."""
    levels = _levels(sheet, parent)
    children = [o for o in _attached(sheet) if o.terms.parent == parent.exchange_order_id]
    if not children:
        _attach(sheet, parent, qty, levels)
    moved = _Levels(
        gain=levels.gain if _is_percent(parent.terms.take_profit) else None,
        loss=levels.loss if _is_percent(parent.terms.stop_loss) else None,
    )
    for child in children:
        current = sheet.order(child.symbol, child.exchange_order_id)
        if current is not None:
            _arrive(sheet, _larger(sheet, current, qty, moved))


def _is_percent(wish: AttachedExit | None) -> bool:
    """Only these follow the average price; a price stays where it was put, or changed to."""
    return wish is not None and wish.percent is not None


def _larger(sheet: StepState, child: PaperOrder, qty: Decimal, levels: _Levels) -> PaperOrder:
    child = evolve(release_lock(sheet, child), qty=add(child.qty, qty))
    if child.is_waiting:
        trigger = levels.loss or child.terms.trigger_price
        child = evolve(child, terms=evolve(child.terms, trigger_price=trigger))
    elif not child.triggered_at:
        child = evolve(child, price=levels.gain or child.price)
    held = reducible_qty(sheet, child)
    child = evolve(child, qty=add(child.filled, held), queue=None)
    sheet.events.append(Changed(order=child))
    return child


def _attach(sheet: StepState, parent: PaperOrder, qty: Decimal, levels: _Levels) -> None:
    """Place what was attached to ``parent`` for ``qty``, or for what is held of it."""
    made: list[PaperOrder] = []
    both = levels.gain is not None and levels.loss is not None
    first, second = f"o{sheet.orders_made + 1}", f"o{sheet.orders_made + 2}"
    if levels.gain is not None:
        made.append(_child(sheet, parent, first, second if both else "", price=levels.gain))
    if levels.loss is not None:
        name, sibling = (second, first) if both else (first, "")
        limit = parent.terms.stop_loss.limit_price if parent.terms.stop_loss else None
        child = _child(sheet, parent, name, sibling, price=limit, trigger=levels.loss)
        made.append(child)
    held = min((reducible_qty(sheet, evolve(child, qty=qty)) for child in made), default=ZERO)
    if not held:
        return
    for child in made:
        child = evolve(child, qty=held)
        sheet.orders_made += 1
        sheet.events.append(Accepted(order=child))
        sheet.put_order(child)
    for child in made:
        current = sheet.order(child.symbol, child.exchange_order_id)
        if current is not None:
            _arrive(sheet, current)


def _child(
    sheet: StepState,
    parent: PaperOrder,
    name: str,
    sibling: str,
    *,
    price: Decimal | None,
    trigger: Decimal | None = None,
) -> PaperOrder:
    plain_type = "stop_market" if price is None else "stop_limit"
    return PaperOrder(
        exchange_order_id=name,
        client_id="",
        symbol=parent.symbol,
        side=parent.side.opposite,
        order_type="limit" if trigger is None else plain_type,
        qty=ZERO,
        price=price,
        leg=parent.leg,
        reduce_only=True,
        post_only=False,
        rank=sheet.next_rank(),
        locked_currency=lock_currency(sheet.instruments[parent.symbol], parent.side.opposite),
        created_at=sheet.at,
        terms=OrderTerms(
            trigger_price=trigger,
            trigger_by=parent.terms.trigger_by,
            sibling=sibling,
            parent=parent.exchange_order_id,
            source=OrderSource.ATTACHED,
        ),
    )


def _arrive(sheet: StepState, child: PaperOrder) -> None:
    admitted = admit(sheet, child)
    if isinstance(admitted, Rejection):
        terminate_order(sheet, child, reason=admitted.code)
    else:
        execute_admitted(sheet, admitted)


def _levels(sheet: StepState, parent: PaperOrder) -> _Levels:
    tick = sheet.instruments[parent.symbol].tick
    average = divide(parent.value, parent.filled)
    up = parent.side is Side.BUY
    return _Levels(
        gain=_level(parent.terms.take_profit, average, tick, above=up),
        loss=_level(parent.terms.stop_loss, average, tick, above=not up),
    )


def _level(
    wish: AttachedExit | None, average: Decimal, tick: Decimal, *, above: bool
) -> Decimal | None:
    """A wished price, or percent from the average on the tick, at least a tick away from it."""
    if wish is None or wish.percent is None:
        return None if wish is None else wish.price
    moved = EXACT.divide(multiply(average, wish.percent), Decimal(100))
    level = add(average, moved) if above else subtract(average, moved)
    ticks = EXACT.divide(level, tick).quantize(Decimal(1), ROUND_HALF_EVEN, EXACT)
    nearest = add(average, tick) if above else subtract(average, tick)
    level = multiply(ticks, tick)
    return max(level, nearest) if above else max(min(level, nearest), tick)
