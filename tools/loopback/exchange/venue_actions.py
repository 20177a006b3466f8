"""What the venue does with its own hand: fill an order, take a position away, move one unseen.

The engine's own parts do it, and its invariants hold after it. It tells nothing by itself.
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
from oms.simulation.events import Rejected, StepResult
from oms.simulation.inputs import BookUpdate, NewOrder
from oms.simulation.invariants import check_step
from oms.simulation.market.market_updates import fill_up_to
from oms.simulation.orders.attached_exits import update_attached_exits
from oms.simulation.settings import FeeRates
from oms.simulation.state.exchange_state import Leg, OrderSource
from oms.simulation.state.step_state import StepState
from oms.simulation.step import step


class ActionNotPossible(ValueError):
    """There is nothing that this could be done to."""


def fill_order(account: Account, order_id: str, qty: Decimal | None, at: datetime) -> StepResult:
    """An open order executed at its own price as far as ``qty``, or wholly."""
    row = account.orders.get(order_id)
    if row is None or not row.state.is_open or row.order.is_waiting:
        raise ActionNotPossible("there is no resting order of that id")
    order = row.order
    assert order.price is not None, "only orders with a price rest"
    state = StepState(account.state, account.settings_for(order.symbol), at)
    fill_up_to(state, order, min(qty or row.remaining, row.remaining), order.price)
    return _done(state)


def close_position(
    account: Account, symbol: str, leg: Leg, origin: OrderOrigin, at: datetime
) -> None:
    """A position closed at the mark by the venue: a liquidation, or for another's (ADL)."""
    position = account.state.positions.get((symbol, leg))
    market = account.state.markets.get(symbol)
    if position is None or market is None or market.mark_price is None:
        raise ActionNotPossible("there is no such position, or no price for it")
    state = StepState(account.state, account.settings_for(symbol), at)
    close_position_at(state, position, market.mark_price, OrderSource.LIQUIDATION)
    account.take(_done(state), {}, origin)


def shift_position(account: Account, symbol: str, leg: Leg, qty: Decimal, at: datetime) -> None:
    """A position changed by a signed quantity at the mark, without fee and without a word."""
    settings = account.settings_for(symbol)
    if settings.instruments[symbol].kind is InstrumentKind.SPOT:
        raise ActionNotPossible("only positions in contracts can be nudged")
    free = {kind: FeeRates(maker=ZERO, taker=ZERO) for kind in settings.fees}
    place = NewOrder(
        client_id="",
        symbol=symbol,
        side=Side.BUY if qty > 0 else Side.SELL,
        order_type="market",
        qty=abs(qty),
        price=None,
        leg=leg,
        at=at,
    )
    result = step(account.state, place, evolve(settings, fees=free))
    if isinstance(result.events[0], Rejected):
        raise ActionNotPossible(result.events[0].message)
    account.state = result.state


def split_book(account: Account, place: NewOrder, parts: int) -> BookUpdate:
    """A book that lets an order be executed in so many parts, at the best price there is."""
    market = account.state.markets[place.symbol]
    best = market.opposite(place.side).best
    step_size = account.settings.instruments[place.symbol].step
    if best is None or place.qty < step_size * parts:
        raise ActionNotPossible("there is no price, or there are not that many parts")
    share = place.qty / parts // step_size * step_size
    sizes = [share] * (parts - 1) + [place.qty - share * (parts - 1)]
    levels = tuple((best[0], size) for size in sizes)
    buys = place.side is Side.BUY
    return BookUpdate(
        symbol=place.symbol,
        bids=market.bids.levels if buys else levels,
        asks=levels if buys else market.asks.levels,
        at=place.at,
    )


def _done(state: StepState) -> StepResult:
    if state.filled_parents or state.orders_with_terms:
        update_attached_exits(state)
    check_step(state)
    return state.freeze()
