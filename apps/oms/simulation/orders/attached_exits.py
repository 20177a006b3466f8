"""Exits attached to an order: a take profit and a stop loss for what it has filled.

They are placed with the parent's first fill and grow with each further one. Both are reduce-only,
and never larger than the position. They are orders of the exchange itself: without a client id,
with the id of their parent. The fill of one cancels the other.
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
from oms.simulation.state.paper_order import AttachedExit, OrderSource, OrderTerms, PaperOrder
from oms.simulation.state.step_state import StepState


def update_attached_exits(state: StepState) -> None:
    """Places or grows exits of filled parents, and reduces those that are too large."""
    symbols = set()
    while state.filled_parents:
        order_id = next(iter(state.filled_parents))
        before = state.filled_parents.pop(order_id)
        parent = _current_order(state, before)
        _extend_exits(state, parent, subtract(parent.filled, before.filled))
        symbols.add(parent.symbol)
    for symbol in sorted(symbols):
        trigger_reached_orders(state, symbol)
    for exit_order in _attached_orders(state):
        current = state.order(exit_order.symbol, exit_order.exchange_order_id)
        if current is not None:
            cap_to_position(state, current)


def check_exit_prices(order: PaperOrder, price: Decimal | None) -> Rejection | None:
    """Rejects exit prices that are on the wrong side of the entry price ``price``."""
    take_profit, stop_loss = order.terms.take_profit, order.terms.stop_loss
    prices = [
        stop_loss.price if stop_loss else None,
        price,
        take_profit.price if take_profit else None,
    ]
    given = [each for each in prices if each is not None]
    if order.side is Side.SELL:
        given.reverse()
    if all(low < high for low, high in pairwise(given)):
        return None
    message = "a long needs stop loss < price < take profit, a short the reverse"
    return Rejection(code="exchange_rejected", message=message)


@value
class _ExitLevels:
    """Current prices of a parent's exits."""

    take_profit: Decimal | None
    stop_loss: Decimal | None


def _current_order(state: StepState, order: PaperOrder) -> PaperOrder:
    """Returns the current form of the order, open or ended in this step."""
    order_id = order.exchange_order_id
    current = state.order(order.symbol, order_id)
    if current is not None:
        return current
    return next(
        ended for ended in reversed(state.ended_orders) if ended.exchange_order_id == order_id
    )


def _attached_orders(state: StepState) -> list[PaperOrder]:
    found = (state.order(symbol, order_id) for order_id, symbol in state.orders_with_terms.items())
    exit_orders = (o for o in found if o is not None and o.terms.source is OrderSource.ATTACHED)
    return sorted(exit_orders, key=lambda order: order.number)


def _extend_exits(state: StepState, parent: PaperOrder, qty: Decimal) -> None:
    """Grows the parent's exits by ``qty`` just filled; places them if there are none."""
    levels = _exit_levels(state, parent)
    exit_orders = [o for o in _attached_orders(state) if o.terms.parent == parent.exchange_order_id]
    if not exit_orders:
        _place_exits(state, parent, qty, levels)
    moved_levels = _ExitLevels(
        take_profit=levels.take_profit if _is_percent(parent.terms.take_profit) else None,
        stop_loss=levels.stop_loss if _is_percent(parent.terms.stop_loss) else None,
    )
    for exit_order in exit_orders:
        current = state.order(exit_order.symbol, exit_order.exchange_order_id)
        if current is not None:
            _admit_exit(state, _increase_exit(state, current, qty, moved_levels))


def _is_percent(attached_exit: AttachedExit | None) -> bool:
    """Returns whether the exit follows the average price of the parent."""
    return attached_exit is not None and attached_exit.percent is not None


def _increase_exit(
    state: StepState, exit_order: PaperOrder, qty: Decimal, levels: _ExitLevels
) -> PaperOrder:
    exit_order = evolve(release_lock(state, exit_order), qty=add(exit_order.qty, qty))
    if exit_order.is_waiting:
        trigger = levels.stop_loss or exit_order.terms.trigger_price
        exit_order = evolve(exit_order, terms=evolve(exit_order.terms, trigger_price=trigger))
    elif not exit_order.triggered_at:
        exit_order = evolve(exit_order, price=levels.take_profit or exit_order.price)
    reducible = reducible_qty(state, exit_order)
    exit_order = evolve(exit_order, qty=add(exit_order.filled, reducible), queue=None)
    state.events.append(Changed(order=exit_order))
    return exit_order


def _place_exits(state: StepState, parent: PaperOrder, qty: Decimal, levels: _ExitLevels) -> None:
    """Places the exits of ``parent`` for ``qty``, limited to the size of the position."""
    exits: list[PaperOrder] = []
    both = levels.take_profit is not None and levels.stop_loss is not None
    first, second = f"o{state.orders_made + 1}", f"o{state.orders_made + 2}"
    if levels.take_profit is not None:
        exits.append(
            _build_exit(state, parent, first, second if both else "", price=levels.take_profit)
        )
    if levels.stop_loss is not None:
        order_id, sibling = (second, first) if both else (first, "")
        limit = parent.terms.stop_loss.limit_price if parent.terms.stop_loss else None
        exit_order = _build_exit(
            state, parent, order_id, sibling, price=limit, trigger=levels.stop_loss
        )
        exits.append(exit_order)
    reducible = min(
        (reducible_qty(state, evolve(exit_order, qty=qty)) for exit_order in exits), default=ZERO
    )
    if not reducible:
        return
    for exit_order in exits:
        exit_order = evolve(exit_order, qty=reducible)
        state.orders_made += 1
        state.events.append(Accepted(order=exit_order))
        state.put_order(exit_order)
    for exit_order in exits:
        current = state.order(exit_order.symbol, exit_order.exchange_order_id)
        if current is not None:
            _admit_exit(state, current)


def _build_exit(
    state: StepState,
    parent: PaperOrder,
    order_id: str,
    sibling: str,
    *,
    price: Decimal | None,
    trigger: Decimal | None = None,
) -> PaperOrder:
    plain_type = "stop_market" if price is None else "stop_limit"
    return PaperOrder(
        exchange_order_id=order_id,
        client_id="",
        symbol=parent.symbol,
        side=parent.side.opposite,
        order_type="limit" if trigger is None else plain_type,
        qty=ZERO,
        price=price,
        leg=parent.leg,
        reduce_only=True,
        post_only=False,
        rank=state.next_rank(),
        locked_currency=lock_currency(state.instruments[parent.symbol], parent.side.opposite),
        created_at=state.at,
        terms=OrderTerms(
            trigger_price=trigger,
            trigger_by=parent.terms.trigger_by,
            sibling=sibling,
            parent=parent.exchange_order_id,
            source=OrderSource.ATTACHED,
        ),
    )


def _admit_exit(state: StepState, exit_order: PaperOrder) -> None:
    admitted = admit(state, exit_order)
    if isinstance(admitted, Rejection):
        terminate_order(state, exit_order, reason=admitted.code)
    else:
        execute_admitted(state, admitted)


def _exit_levels(state: StepState, parent: PaperOrder) -> _ExitLevels:
    tick = state.instruments[parent.symbol].tick
    average = divide(parent.value, parent.filled)
    is_buy = parent.side is Side.BUY
    return _ExitLevels(
        take_profit=_exit_price(parent.terms.take_profit, average, tick, above=is_buy),
        stop_loss=_exit_price(parent.terms.stop_loss, average, tick, above=not is_buy),
    )


def _exit_price(
    attached_exit: AttachedExit | None, average: Decimal, tick: Decimal, *, above: bool
) -> Decimal | None:
    """Returns an absolute price, or percent from the average: on the tick, at least one away."""
    if attached_exit is None or attached_exit.percent is None:
        return None if attached_exit is None else attached_exit.price
    offset = EXACT.divide(multiply(average, attached_exit.percent), Decimal(100))
    level = add(average, offset) if above else subtract(average, offset)
    ticks = EXACT.divide(level, tick).quantize(Decimal(1), ROUND_HALF_EVEN, EXACT)
    nearest = add(average, tick) if above else subtract(average, tick)
    level = multiply(ticks, tick)
    return max(level, nearest) if above else max(min(level, nearest), tick)
