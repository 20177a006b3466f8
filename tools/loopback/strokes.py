"""What the venue does with its own hand: fill an order, take a position away, move one unseen.

The engine's own parts do it, and its invariants hold after it. It tells nothing by itself.
"""

from datetime import datetime
from decimal import Decimal

from loopback.account import Account
from loopback.rows import Origin
from oms.domain.instrument import Kind
from oms.domain.money import ZERO
from oms.domain.order import Side
from oms.domain.value import evolve
from oms.simulation.children import attend
from oms.simulation.exchange import step
from oms.simulation.facts import Rejected, Step
from oms.simulation.inputs import BookSeen, Place
from oms.simulation.invariants import check
from oms.simulation.liquidation import close_at
from oms.simulation.memory import Leg, OrderSource
from oms.simulation.serving import fill_up_to
from oms.simulation.settings import Rates
from oms.simulation.sheet import Sheet


class Impossible(ValueError):
    """There is nothing that this could be done to."""


def filled(account: Account, order_id: str, qty: Decimal | None, at: datetime) -> Step:
    """An open order executed at its own price as far as ``qty``, or wholly."""
    row = account.orders.get(order_id)
    if row is None or not row.state.is_open or row.order.is_waiting:
        raise Impossible("there is no resting order of that id")
    order = row.order
    assert order.price is not None, "only orders with a price rest"
    sheet = Sheet(account.memory, account.settings_for(order.symbol), at)
    fill_up_to(sheet, order, min(qty or row.remaining, row.remaining), order.price)
    return _done(sheet)


def closed(account: Account, symbol: str, leg: Leg, origin: Origin, at: datetime) -> None:
    """A position closed at the mark by the venue: a liquidation, or for another's (ADL)."""
    position = account.memory.positions.get((symbol, leg))
    market = account.memory.markets.get(symbol)
    if position is None or market is None or market.mark_price is None:
        raise Impossible("there is no such position, or no price for it")
    sheet = Sheet(account.memory, account.settings_for(symbol), at)
    close_at(sheet, position, market.mark_price, OrderSource.LIQUIDATION)
    account.take(_done(sheet), {}, origin)


def nudged(account: Account, symbol: str, leg: Leg, qty: Decimal, at: datetime) -> None:
    """A position changed by a signed quantity at the mark, without fee and without a word."""
    settings = account.settings_for(symbol)
    if settings.instruments[symbol].kind is Kind.SPOT:
        raise Impossible("only positions in contracts can be nudged")
    free = {kind: Rates(maker=ZERO, taker=ZERO) for kind in settings.fees}
    place = Place(
        client_id="",
        symbol=symbol,
        side=Side.BUY if qty > 0 else Side.SELL,
        order_type="market",
        qty=abs(qty),
        price=None,
        leg=leg,
        at=at,
    )
    result = step(account.memory, place, evolve(settings, fees=free))
    if isinstance(result.facts[0], Rejected):
        raise Impossible(result.facts[0].message)
    account.memory = result.memory


def shown_in_parts(account: Account, place: Place, parts: int) -> BookSeen:
    """A book that lets an order be executed in so many parts, at the best price there is."""
    market = account.memory.markets[place.symbol]
    best = market.opposite(place.side).best
    step_size = account.settings.instruments[place.symbol].step
    if best is None or place.qty < step_size * parts:
        raise Impossible("there is no price, or there are not that many parts")
    share = place.qty / parts // step_size * step_size
    sizes = [share] * (parts - 1) + [place.qty - share * (parts - 1)]
    levels = tuple((best[0], size) for size in sizes)
    buys = place.side is Side.BUY
    return BookSeen(
        symbol=place.symbol,
        bids=market.bids.levels if buys else levels,
        asks=levels if buys else market.asks.levels,
        at=place.at,
    )


def _done(sheet: Sheet) -> Step:
    if sheet.parents or sheet.special:
        attend(sheet)
    check(sheet)
    return sheet.step()
