"""Exits attached to an order: a take profit and a stop loss for what it has executed.

They come into being with the parent's first fill and grow with each, both only reduce, and they
never ask for more than is held. They are the exchange's own orders: without a client id, with the
id of their parent. One that is executed cancels the other.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

from oms.domain.money import EXACT, ZERO, difference, product, quotient, total
from oms.domain.order import Side
from oms.domain.value import evolve, value
from oms.simulation.admission import Rejection, admit, reducible
from oms.simulation.costs import lock_currency
from oms.simulation.executing import carry_out, cut_to_held, end
from oms.simulation.facts import Accepted, Changed
from oms.simulation.memory import Exit, OrderSource, PaperOrder, Terms
from oms.simulation.resting import released
from oms.simulation.sheet import Sheet
from oms.simulation.triggers import release_reached


def attend(sheet: Sheet) -> None:
    """After fills: attach exits to what was executed, and cut those that hold too much."""
    symbols = set()
    while sheet.parents:
        name = next(iter(sheet.parents))
        before = sheet.parents.pop(name)
        parent = _latest(sheet, before)
        _grow(sheet, parent, difference(parent.filled, before.filled))
        symbols.add(parent.symbol)
    for symbol in sorted(symbols):
        release_reached(sheet, symbol)
    for child in _attached(sheet):
        current = sheet.order(child.symbol, child.exchange_order_id)
        if current is not None:
            cut_to_held(sheet, current)


def misplaced(order: PaperOrder, price: Decimal | None) -> Rejection | None:
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


def _latest(sheet: Sheet, order: PaperOrder) -> PaperOrder:
    """The order as it is now, open or ended in this step."""
    name = order.exchange_order_id
    current = sheet.order(order.symbol, name)
    if current is not None:
        return current
    return next(ended for ended in reversed(sheet.ended) if ended.exchange_order_id == name)


def _attached(sheet: Sheet) -> list[PaperOrder]:
    found = (sheet.order(symbol, name) for name, symbol in sheet.special.items())
    children = (o for o in found if o is not None and o.terms.source is OrderSource.ATTACHED)
    return sorted(children, key=lambda order: order.number)


def _grow(sheet: Sheet, parent: PaperOrder, qty: Decimal) -> None:
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


def _is_percent(wish: Exit | None) -> bool:
    """Only these follow the average price; a price stays where it was put, or changed to."""
    return wish is not None and wish.percent is not None


def _larger(sheet: Sheet, child: PaperOrder, qty: Decimal, levels: _Levels) -> PaperOrder:
    child = evolve(released(sheet, child), qty=total(child.qty, qty))
    if child.is_waiting:
        trigger = levels.loss or child.terms.trigger_price
        child = evolve(child, terms=evolve(child.terms, trigger_price=trigger))
    elif not child.triggered_at:
        child = evolve(child, price=levels.gain or child.price)
    held = reducible(sheet, child)
    child = evolve(child, qty=total(child.filled, held), queue=None)
    sheet.facts.append(Changed(order=child))
    return child


def _attach(sheet: Sheet, parent: PaperOrder, qty: Decimal, levels: _Levels) -> None:
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
    held = min((reducible(sheet, evolve(child, qty=qty)) for child in made), default=ZERO)
    if not held:
        return
    for child in made:
        child = evolve(child, qty=held)
        sheet.orders_made += 1
        sheet.facts.append(Accepted(order=child))
        sheet.put_order(child)
    for child in made:
        current = sheet.order(child.symbol, child.exchange_order_id)
        if current is not None:
            _arrive(sheet, current)


def _child(
    sheet: Sheet,
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
        terms=Terms(
            trigger_price=trigger,
            trigger_by=parent.terms.trigger_by,
            sibling=sibling,
            parent=parent.exchange_order_id,
            source=OrderSource.ATTACHED,
        ),
    )


def _arrive(sheet: Sheet, child: PaperOrder) -> None:
    admitted = admit(sheet, child)
    if isinstance(admitted, Rejection):
        end(sheet, child, reason=admitted.code)
    else:
        carry_out(sheet, admitted)


def _levels(sheet: Sheet, parent: PaperOrder) -> _Levels:
    tick = sheet.instruments[parent.symbol].tick
    average = quotient(parent.value, parent.filled)
    up = parent.side is Side.BUY
    return _Levels(
        gain=_level(parent.terms.take_profit, average, tick, above=up),
        loss=_level(parent.terms.stop_loss, average, tick, above=not up),
    )


def _level(wish: Exit | None, average: Decimal, tick: Decimal, *, above: bool) -> Decimal | None:
    """A wished price, or percent from the average on the tick, at least a tick away from it."""
    if wish is None or wish.percent is None:
        return None if wish is None else wish.price
    moved = EXACT.divide(product(average, wish.percent), Decimal(100))
    level = total(average, moved) if above else difference(average, moved)
    ticks = EXACT.divide(level, tick).quantize(Decimal(1), ROUND_HALF_EVEN, EXACT)
    nearest = total(average, tick) if above else difference(average, tick)
    level = product(ticks, tick)
    return max(level, nearest) if above else max(min(level, nearest), tick)
