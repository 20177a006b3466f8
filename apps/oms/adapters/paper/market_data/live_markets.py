"""Live prices as market updates of one paper account: in order, and only fresh ones.

A price that is too old is never used, so nothing is executed at it. A used price is stored like any
other price of the account. Prices are read from the port only; the state is not stepped here.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from oms.adapters.paper.market_data.price_sources import PriceSource, PriceSources
from oms.adapters.paper.market_data.quote_updates import quote_to_update
from oms.domain.errors import Invalid
from oms.domain.quotes import PublicTrade, Quote
from oms.domain.value import evolve
from oms.ports.exchange import StalePrice
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
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_market import Market

logger = logging.getLogger(__name__)

FIRST_PRICE_WAIT = timedelta(seconds=2)
"""Delay of the first order of a symbol whose first price is pending."""


class LiveMarkets:
    """The live symbols of one account; without ``feed`` they have no prices."""

    def __init__(
        self, feed: PriceFeed | None, prices: PriceSources, settings: SimulationSettings
    ) -> None:
        self.feed = feed
        self._prices = prices
        self._settings = settings
        #: When a symbol without any price was first read.
        self._first_read_at: dict[str, datetime] = {}
        self._stale: set[str] = set()

    def updates(self, symbol: str, state: ExchangeState, now: datetime) -> Iterable[MarketUpdate]:
        """Yields the new and fresh updates, the oldest first."""
        if self.feed is None:
            return
        stored = state.markets.get(symbol)
        at = None if stored is None else stored.at
        placed_at = _newest_order(state, symbol)
        for update in self.feed.take_updates(symbol, now, with_depth=_is_in_use(state, symbol)):
            if self._is_stale(symbol, update.at, now):
                continue
            match update:
                case Quote() if at is None or update.at > at:
                    quote = _quote_update(evolve(update, at=min(update.at, now)))
                    if quote is not None:
                        at = update.at
                        yield quote
                # A trade or a mark price does not refresh a book that was not updated for long.
                case PublicTrade() if at is not None and not self._is_stale(symbol, at, update.at):
                    if placed_at is None or update.at > placed_at:
                        yield _trade_tick(update, min(update.at, now))
                case MarkPrice() if at is not None and not self._is_stale(symbol, at, now):
                    yield MarkPriceUpdate(symbol=symbol, price=update.price, at=min(at, now))

    def market(self, symbol: str, stored: Market | None, now: datetime) -> Market | None:
        """Returns the newest known market; ``None`` if that is too old."""
        newest = None if self.feed is None else self.feed.newest(symbol, now)
        if newest is not None and (stored is None or stored.at < newest.at):
            update = _quote_update(evolve(newest, at=min(newest.at, now)))
            stored = market_from_update(update) if update is not None else stored
        if stored is None or self._is_stale(symbol, stored.at, now):
            return None
        return stored

    def settings_for_request(
        self, request: NewOrder | NewOrderPair, state: ExchangeState
    ) -> SimulationSettings:
        """Returns the settings for a request, which is delayed while its first price is pending."""
        symbol = request.first.symbol if isinstance(request, NewOrderPair) else request.symbol
        if self._prices.source(symbol) is not PriceSource.LIVE or self.feed is None:
            return self._settings
        stored = state.markets.get(symbol)
        is_current = stored is not None and not self._is_stale(symbol, stored.at, request.at)
        if is_current or not self.feed.is_pending(symbol):
            return self._settings
        latency = self._settings.latency or Latency()
        return evolve(self._settings, latency=evolve(latency, decision=FIRST_PRICE_WAIT))

    def symbols_in_flight(self, state: ExchangeState) -> list[str]:
        """Returns live symbols of requests in flight."""
        arriving = dict.fromkeys(_symbols_of_arrivals(state))
        return [symbol for symbol in arriving if self._prices.source(symbol) is PriceSource.LIVE]

    def take_stale_prices(
        self, symbols: Iterable[str], state: ExchangeState, now: datetime
    ) -> list[StalePrice]:
        """Returns symbols that have become too old, each once until it is fresh again."""
        update = []
        for symbol in symbols:
            if self._prices.source(symbol) is not PriceSource.LIVE:
                continue
            stored = state.markets.get(symbol)
            at = self._first_read_at.setdefault(symbol, now) if stored is None else stored.at
            if not self._is_stale(symbol, at, now):
                self._stale.discard(symbol)
            elif symbol not in self._stale:
                self._stale.add(symbol)
                age = (now - at) // timedelta(milliseconds=1)
                update.append(StalePrice(symbol=symbol, age_ms=age))
        return update

    def _is_stale(self, symbol: str, at: datetime, now: datetime) -> bool:
        age = self._settings.price_age_of(symbol)
        return age is not None and now - at > age


def _quote_update(quote: Quote) -> QuoteUpdate | BookUpdate | None:
    try:
        return quote_to_update(quote)
    except Invalid as error:
        logger.warning("live_price_refused symbol=%s why=%s", quote.symbol, error.message)
        return None


def _trade_tick(update: PublicTrade, at: datetime) -> TradeTick:
    return TradeTick(
        symbol=update.symbol, price=update.price, qty=update.qty, side=update.side, at=at
    )


def _newest_order(state: ExchangeState, symbol: str) -> datetime | None:
    """Returns when the newest open order arrived; trades before that may not fill it."""
    held = state.orders.get(symbol, {}).values()
    return max((order.created_at for order in held), default=None)


def _is_in_use(state: ExchangeState, symbol: str) -> bool:
    return symbol in state.orders or symbol in _symbols_of_arrivals(state)


def _symbols_of_arrivals(state: ExchangeState) -> Sequence[str]:
    requests = (
        () if state.in_flight is None else (each.request for each in state.in_flight.arrivals)
    )
    return [
        each.first.symbol if isinstance(each, NewOrderPair) else each.symbol for each in requests
    ]
