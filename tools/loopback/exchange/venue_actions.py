"""Actions of the venue itself: fill an order, close a position, change a position silently.

They use the engine's functions and keep its invariants.
"""

from datetime import datetime
from decimal import Decimal

from loopback.exchange.account import Account
from loopback.exchange.rows import OrderOrigin
from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO
from oms.domain.orders.order import Side
from oms.domain.value import evolve
from oms.simulation.account.liquidation import close_position_at
from oms.simulation.events import Rejected
from oms.simulation.inputs import BookUpdate, CancelOrder, NewOrder
from oms.simulation.invariants import check_step
from oms.simulation.market.market_updates import fill_up_to
from oms.simulation.orders.attached_exits import update_attached_exits
from oms.simulation.settings import FeeRates
from oms.simulation.state.paper_order import Leg, OrderSource
from oms.simulation.state.step_state import StepState
from oms.simulation.step import step
from oms.simulation.step_result import StepResult


class ActionNotPossible(ValueError):
    """The order, the position or the price that the action needs does not exist."""


def fill_order(account: Account, order_id: str, qty: Decimal | None, at: datetime) -> StepResult:
    """Returns the step that fills a resting order at its price, up to ``qty``.

    Raises ``ActionNotPossible`` if there is no such order.
    """
    row = account.orders.get(order_id)
    if row is None or not row.state.is_open or row.order.is_waiting:
        raise ActionNotPossible("there is no resting order of that id")
    order = row.order
    assert order.price is not None, "only orders with a price rest"
    step_state = StepState(account.state, account.settings_for(order.symbol), at)
    fill_up_to(step_state, order, min(qty or row.remaining, row.remaining), order.price)
    return _finish(step_state)


def cancel_resting(account: Account, at: datetime, symbol: str | None = None) -> None:
    """Cancels all orders, or those of a symbol, but those that wait for a trigger."""
    for row in account.open_orders():
        if not row.order.is_waiting and symbol in (None, row.order.symbol):
            cancel = CancelOrder(
                client_id=row.order.client_id,
                exchange_order_id=row.order.exchange_order_id,
                symbol=row.order.symbol,
                at=at,
            )
            account.apply(cancel)


def close_position(
    account: Account, symbol: str, leg: Leg, origin: OrderOrigin, at: datetime
) -> None:
    """Closes a position at the mark price, as a liquidation or by auto-deleveraging."""
    position = account.state.positions.get((symbol, leg))
    market = account.state.markets.get(symbol)
    if position is None or market is None or market.mark_price is None:
        raise ActionNotPossible("there is no such position, or no price for it")
    step_state = StepState(account.state, account.settings_for(symbol), at)
    close_position_at(step_state, position, market.mark_price, OrderSource.LIQUIDATION)
    account.commit(_finish(step_state), {}, origin)


def shift_position(account: Account, symbol: str, leg: Leg, qty: Decimal, at: datetime) -> None:
    """Changes a position by a signed quantity at the mark price, without fee and update."""
    settings = account.settings_for(symbol)
    if settings.instruments[symbol].kind is InstrumentKind.SPOT:
        raise ActionNotPossible("only positions in contracts can be changed")
    no_fees = {kind: FeeRates(maker=ZERO, taker=ZERO) for kind in settings.fees}
    order = NewOrder(
        client_id="",
        symbol=symbol,
        side=Side.BUY if qty > 0 else Side.SELL,
        order_type="market",
        qty=abs(qty),
        price=None,
        leg=leg,
        at=at,
    )
    result = step(account.state, order, evolve(settings, fees=no_fees))
    if isinstance(result.events[0], Rejected):
        raise ActionNotPossible(result.events[0].message)
    account.state = result.state


def split_book(account: Account, order: NewOrder, parts: int) -> BookUpdate:
    """Returns a book in which an order is executed in ``parts`` parts at the best price."""
    market = account.state.markets[order.symbol]
    best = market.opposite(order.side).best
    step_size = account.settings.instruments[order.symbol].step
    if best is None or order.qty < step_size * parts:
        raise ActionNotPossible("there is no price, or the quantity has fewer steps than parts")
    share = order.qty / parts // step_size * step_size
    sizes = [share] * (parts - 1) + [order.qty - share * (parts - 1)]
    levels = tuple((best[0], size) for size in sizes)
    is_buy = order.side is Side.BUY
    return BookUpdate(
        symbol=order.symbol,
        bids=market.bids.levels if is_buy else levels,
        asks=levels if is_buy else market.asks.levels,
        at=order.at,
    )


def _finish(step_state: StepState) -> StepResult:
    if step_state.filled_parents or step_state.orders_with_terms:
        update_attached_exits(step_state)
    check_step(step_state)
    return step_state.freeze()
