"""ccxt's market reads that others are derived from: tickers, order books, markets, the clock.

Structures have all keys of ccxt's, ``None`` where there is no value. Decimals become JSON numbers
here at the very end; nothing is computed from them afterwards. A level or side with unlimited depth
has ``UNLIMITED_QTY``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from oms.adapters.paper.market_data.price_sources import PriceSource, PriceSources
from oms.adapters.paper.unified_api.features import build_has
from oms.adapters.paper.unified_api.market_structure import market_structure
from oms.adapters.paper.unified_api.structures import Structure, timestamp_fields, to_milliseconds
from oms.adapters.paper.unified_api.structures import to_float as _to_float
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import EXACT, ZERO, add, multiply, subtract
from oms.simulation.account.costs import settle_value
from oms.simulation.market.random_walk import BOOK_DEPTH
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.contract_overrides import ContractOverrides
from oms.simulation.state.paper_market import Level, Market

UNLIMITED_QTY = Decimal(10**9)
"""Quantity of a level with unlimited depth."""

DEPTH_MAX = 100
"""Maximum number of order book levels per side."""

_HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketReads:
    """Market methods; each public method is a ccxt function of that name."""

    venue: str
    settings: SimulationSettings
    prices: PriceSources
    market: Callable[[str, datetime], Market | None]
    now: datetime
    #: Names of all supported methods.
    methods: frozenset[str]
    #: Settings of single contracts, by symbol.
    contracts: Mapping[str, ContractOverrides] = field(default_factory=dict)

    def fetch_ticker(self, symbol: str, params: object = None) -> Structure:
        """Returns best prices, and the last 24 hours of a random walk."""
        instrument = self.instrument(symbol)
        market = self.market(symbol, self.now)
        bid, ask = (None, None) if market is None else (market.bids.best, market.asks.best)
        last = _mid_price(bid, ask)
        return {
            "symbol": symbol,
            **timestamp_fields(self.now),
            **_best(bid, ask),
            **self._day(instrument, last),
            "last": _to_float(last),
            "close": _to_float(last),
            "markPrice": None if instrument.kind is InstrumentKind.SPOT else _to_float(last),
            "indexPrice": None,
            "previousClose": None,
            "info": {},
        }

    def fetch_order_book(
        self, symbol: str, limit: int | None = None, params: object = None
    ) -> Structure:
        """Returns the order book less what orders consumed."""
        instrument = self.instrument(symbol)
        depth = BOOK_DEPTH if limit is None else limit
        if not isinstance(depth, int) or isinstance(depth, bool) or depth < 1:
            raise Invalid("limit must be a whole number above 0")
        market = self.market(symbol, self.now)
        bids, asks = ((), ()) if market is None else (market.bids.levels, market.asks.levels)
        if depth > BOOK_DEPTH and self.prices.source(symbol) is PriceSource.WALK:
            extra_levels = self.prices.walk_depth(instrument, self.now, min(depth, DEPTH_MAX))
            bids, asks = (
                (*bids, *extra_levels[0][BOOK_DEPTH:]),
                (*asks, *extra_levels[1][BOOK_DEPTH:]),
            )
        return {
            "symbol": symbol,
            "bids": _levels(bids[:depth]),
            "asks": _levels(asks[:depth]),
            **timestamp_fields(self.now),
            "nonce": None,
        }

    def fetch_time(self, params: object = None) -> int:
        """Returns the clock of the exchange in milliseconds."""
        return to_milliseconds(self.now)

    def fetch_markets(self, params: object = None) -> list[Structure]:
        """Returns all markets."""
        return [
            market_structure(instrument, self.settings)
            for _, instrument in sorted(self.settings.instruments.items())
        ]

    def load_markets(self, reload: object = False, params: object = None) -> Structure:
        """Returns all markets by symbol."""
        return {str(market["symbol"]): market for market in self.fetch_markets()}

    def has(self) -> Structure:
        """Returns the supported methods by ccxt's camelCase names."""
        return build_has(self.methods)

    def instrument(self, symbol: object) -> Instrument:
        """Returns a traded instrument. Raises ``Invalid``."""
        instrument = self.settings.instruments.get(symbol) if isinstance(symbol, str) else None
        if instrument is None:
            message = f"paper.{self.venue} does not trade {symbol!r}"
            raise Invalid(message, code="instrument_not_supported")
        return instrument

    def _day(self, instrument: Instrument, last: Decimal | None) -> Structure:
        """Returns prices and volume over 24 hours; only random walks have a past."""
        prices = ("open", "high", "low", "change", "percentage", "average")
        keys = (*prices, "baseVolume", "quoteVolume", "vwap")
        if last is None or self.prices.source(instrument.symbol) is not PriceSource.WALK:
            return dict.fromkeys(keys)
        past = [*self.prices.walk_day(instrument, self.now), last]
        first = past[0]
        change = subtract(last, first)
        share = EXACT.divide(multiply(change, Decimal(100)), first)
        average = multiply(add(first, last), _HALF)
        volume = self._day_volume(instrument, past)
        values = (first, max(past), min(past), change, share, average, *volume)
        return dict(zip(keys, map(_to_float, values), strict=True))

    def _day_volume(
        self, instrument: Instrument, prices: Sequence[Decimal]
    ) -> tuple[Decimal, Decimal, Decimal]:
        """Returns volume in base, in quote, and the average price; each half hour at its open."""
        base = quote = ZERO
        for volume, price in zip(
            self.prices.walk_day_volumes(instrument, self.now), prices, strict=False
        ):
            value = settle_value(instrument, volume, price)
            if instrument.kind is InstrumentKind.INVERSE:
                base, quote = add(base, value), add(quote, multiply(value, price))
            else:
                base, quote = add(base, volume), add(quote, value)
        return base, quote, EXACT.divide(quote, base)


def _mid_price(bid: Level | None, ask: Level | None) -> Decimal | None:
    if bid is None or ask is None:
        return None
    return multiply(add(bid[0], ask[0]), _HALF)


def _best(bid: Level | None, ask: Level | None) -> Structure:
    return {
        "bid": None if bid is None else _to_float(bid[0]),
        "bidVolume": None if bid is None else _depth(bid[1]),
        "ask": None if ask is None else _to_float(ask[0]),
        "askVolume": None if ask is None else _depth(ask[1]),
    }


def _levels(levels: Sequence[Level]) -> list[list[object]]:
    return [[_to_float(price), _depth(qty)] for price, qty in levels]


def _depth(qty: Decimal | None) -> object:
    return _to_float(UNLIMITED_QTY if qty is None else qty)
