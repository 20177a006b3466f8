"""Live prices as one paper account takes them over: in order, fresh ones only.

A price that is too old is never taken over, so nothing is executed at it, however long nothing
was heard. What was taken over is stored like any other price of the account. It asks nobody but
the port, and steps no memory.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from oms.adapters.paper.market_data.price_sources import PriceSource, PriceSources
from oms.adapters.paper.market_data.quote_updates import quote_to_update
from oms.domain.errors import Invalid
from oms.domain.value import evolve
from oms.ports.exchange import PublicTrade, Quote, StalePrice
from oms.ports.price_feed import MarkPrice, PriceFeed
from oms.simulation.inputs import (
    BookUpdate,
    MarketUpdate,
    MarkPriceUpdate,
    NewOrder,
    NewOrderPair,
    QuoteUpdate,
    TradeTick,
)
from oms.simulation.market.matching import market_from_update
from oms.simulation.settings import Latency, SimulationSettings
from oms.simulation.state.exchange_state import ExchangeState, Market

logger = logging.getLogger(__name__)

FIRST_PRICE_WAIT = timedelta(seconds=2)
"""How long a first order is on its way while the first price of its symbol is."""


class LiveMarkets:
    """The live symbols of one account; without ``feed`` they have no prices."""

    def __init__(
        self, feed: PriceFeed | None, prices: PriceSources, settings: SimulationSettings
    ) -> None:
        self.feed = feed
        self._prices = prices
        self._settings = settings
        #: When a symbol without any price was looked at first.
        self._since: dict[str, datetime] = {}
        self._stale: set[str] = set()

    def news(self, symbol: str, state: ExchangeState, now: datetime) -> Iterable[MarketUpdate]:
        """What is new and fresh, the oldest first."""
        if self.feed is None:
            return
        known = state.markets.get(symbol)
        at = None if known is None else known.at
        placed_at = _newest_order(state, symbol)
        for told in self.feed.take_updates(symbol, now, with_depth=_is_close(state, symbol)):
            if self._is_old(symbol, told.at, now):
                continue
            match told:
                case Quote() if at is None or told.at > at:
                    seen = _shown(evolve(told, at=min(told.at, now)))
                    if seen is not None:
                        at = told.at
                        yield seen
                # Neither a trade nor a mark makes a book young that nobody has seen for long.
                case PublicTrade() if at is not None and not self._is_old(symbol, at, told.at):
                    if placed_at is None or told.at > placed_at:
                        yield _print(told, min(told.at, now))
                case MarkPrice() if at is not None and not self._is_old(symbol, at, now):
                    yield MarkPriceUpdate(symbol=symbol, price=told.price, at=min(at, now))

    def market(self, symbol: str, known: Market | None, now: datetime) -> Market | None:
        """The market to look at: the newest that is known, ``None`` if that is too old."""
        told = None if self.feed is None else self.feed.newest(symbol, now)
        if told is not None and (known is None or known.at < told.at):
            seen = _shown(evolve(told, at=min(told.at, now)))
            known = market_from_update(seen) if seen is not None else known
        if known is None or self._is_old(symbol, known.at, now):
            return None
        return known

    def rules(self, wish: NewOrder | NewOrderPair, state: ExchangeState) -> SimulationSettings:
        """The settings for a request; while its first price is on its way, so is the request."""
        symbol = wish.first.symbol if isinstance(wish, NewOrderPair) else wish.symbol
        if self._prices.source(symbol) is not PriceSource.LIVE or self.feed is None:
            return self._settings
        known = state.markets.get(symbol)
        is_known = known is not None and not self._is_old(symbol, known.at, wish.at)
        if is_known or not self.feed.is_pending(symbol):
            return self._settings
        usual = self._settings.latency or Latency()
        return evolve(self._settings, latency=evolve(usual, decision=FIRST_PRICE_WAIT))

    def awaited(self, state: ExchangeState) -> list[str]:
        """Live symbols of requests that are on their way."""
        named = dict.fromkeys(_arriving(state))
        return [symbol for symbol in named if self._prices.source(symbol) is PriceSource.LIVE]

    def take_stale_prices(
        self, symbols: Iterable[str], state: ExchangeState, now: datetime
    ) -> list[StalePrice]:
        """Which of these symbols have become too old; each is told once, until it is fresh."""
        told = []
        for symbol in symbols:
            if self._prices.source(symbol) is not PriceSource.LIVE:
                continue
            known = state.markets.get(symbol)
            at = self._since.setdefault(symbol, now) if known is None else known.at
            if not self._is_old(symbol, at, now):
                self._stale.discard(symbol)
            elif symbol not in self._stale:
                self._stale.add(symbol)
                age = (now - at) // timedelta(milliseconds=1)
                told.append(StalePrice(symbol=symbol, age_ms=age))
        return told

    def _is_old(self, symbol: str, at: datetime, now: datetime) -> bool:
        age = self._settings.price_age_of(symbol)
        return age is not None and now - at > age


def _shown(quote: Quote) -> QuoteUpdate | BookUpdate | None:
    try:
        return quote_to_update(quote)
    except Invalid as wrong:
        logger.warning("live_price_refused symbol=%s why=%s", quote.symbol, wrong.message)
        return None


def _print(told: PublicTrade, at: datetime) -> TradeTick:
    return TradeTick(symbol=told.symbol, price=told.price, qty=told.qty, side=told.side, at=at)


def _newest_order(state: ExchangeState, symbol: str) -> datetime | None:
    """A trade before that may not fill it: nobody tells which order came first."""
    held = state.orders.get(symbol, {}).values()
    return max((order.created_at for order in held), default=None)


def _is_close(state: ExchangeState, symbol: str) -> bool:
    return symbol in state.orders or symbol in _arriving(state)


def _arriving(state: ExchangeState) -> Sequence[str]:
    requests = (
        () if state.in_flight is None else (each.request for each in state.in_flight.arrivals)
    )
    return [
        each.first.symbol if isinstance(each, NewOrderPair) else each.symbol for each in requests
    ]
