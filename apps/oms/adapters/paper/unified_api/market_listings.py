"""ccxt's market reads: tickers, candles, currencies, status.

A candle is sampled from the random walk: open, close and volume are exact, high and low are those
of the samples. Manual prices and tapes have no candles.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.paper.market_data.price_sources import PriceSource
from oms.adapters.paper.unified_api.market_reads import MarketReads
from oms.adapters.paper.unified_api.read_arguments import parse_limit, select_symbols
from oms.adapters.paper.unified_api.structures import (
    Structure,
    timestamp_fields,
    to_float,
    to_milliseconds,
)
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import add, multiply
from oms.simulation.market.random_walk import STEP_DURATION, step_at
from oms.simulation.state.exchange_state import EPOCH

TIMEFRAMES: Mapping[str, timedelta] = {
    "1m": timedelta(minutes=1),
    "3m": timedelta(minutes=3),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
}
"""Candle timeframes."""

CANDLES_MAX = 500
"""Maximum number of candles per read."""

_CANDLES_DEFAULT = 100
_SAMPLES = 5
_HALF = Decimal("0.5")


def fetch_tickers(reads: MarketReads, symbols: object = None, params: object = None) -> Structure:
    """Returns tickers by symbol, of these or of all; with a ``type`` of spot or of contracts."""
    chosen = select_symbols(reads, symbols)
    market_type = params.get("type") if isinstance(params, Mapping) and symbols is None else None
    if market_type is not None:
        is_spot = market_type == "spot"
        chosen = [
            symbol
            for symbol in chosen
            if (reads.instrument(symbol).kind is InstrumentKind.SPOT) is is_spot
        ]
    return {symbol: reads.fetch_ticker(symbol) for symbol in chosen}


def fetch_bids_asks(reads: MarketReads, symbols: object = None, params: object = None) -> Structure:
    """Returns tickers, which include bid and ask."""
    return fetch_tickers(reads, symbols, params)


def fetch_status(reads: MarketReads, params: object = None) -> Structure:
    """Returns the status, which is always ``ok``."""
    updated = timestamp_fields(reads.now)["timestamp"]
    return {"status": "ok", "updated": updated, "eta": None, "url": None, "info": {}}


def fetch_currencies(reads: MarketReads, params: object = None) -> Structure:
    """Returns the currencies of all markets, with the step of their amounts."""
    steps: dict[str, Decimal | None] = {}
    for instrument in reads.settings.instruments.values():
        known_step = steps.get(instrument.base)
        step = instrument.step if known_step is None else min(known_step, instrument.step)
        steps[instrument.base] = step
        for code in (instrument.quote, instrument.settle):
            steps.setdefault(code, None)
    return {code: _currency(code, step) for code, step in sorted(steps.items())}


def fetch_ohlcv(
    reads: MarketReads,
    symbol: str,
    timeframe: object = "1m",
    since: object = None,
    limit: object = None,
    params: object = None,
) -> list[list[object]]:
    """Returns rows ``[time, open, high, low, close, volume]`` from ``since`` on, or the newest."""
    price = params.get("price") if isinstance(params, Mapping) else None
    if price == "mark":
        return fetch_mark_ohlcv(reads, symbol, timeframe, since, limit)
    if price is not None:
        message = f"a paper exchange has no candles of the price {str(price)[:64]!r}"
        raise Invalid(message, code="unsupported_func", reason="not_supported")
    instrument = reads.instrument(symbol)
    length = TIMEFRAMES.get(str(timeframe))
    if length is None:
        raise Invalid(f"timeframe is one of {', '.join(TIMEFRAMES)}")
    if reads.prices.source(symbol) is not PriceSource.WALK:
        message = f"the price of {symbol} is not a random walk, so it has no candles"
        raise Invalid(message, code="unsupported_func", reason="not_supported")
    count = parse_limit(limit, default=_CANDLES_DEFAULT, most=CANDLES_MAX)
    newest = (reads.now - EPOCH) // length
    first = newest - count + 1 if since is None else -(-_parse_since(since) // length)
    numbers = range(first, min(first + count, newest + 1))
    return [_candle(reads, instrument, EPOCH + n * length, length) for n in numbers]


def fetch_mark_ohlcv(
    reads: MarketReads,
    symbol: str,
    timeframe: object = "1m",
    since: object = None,
    limit: object = None,
    params: object = None,
) -> list[list[object]]:
    """Returns candles of a contract's mark price, which is the middle of the book; no volume."""
    if reads.instrument(symbol).kind is InstrumentKind.SPOT:
        raise Invalid(f"{symbol} is no contract and has no mark")
    return [[*row[:5], None] for row in fetch_ohlcv(reads, symbol, timeframe, since, limit)]


def _candle(
    reads: MarketReads, instrument: Instrument, start: datetime, length: timedelta
) -> list[object]:
    last = min(step_at(start + length) - 1, step_at(reads.now))
    first = step_at(start)
    every = max((last - first) // _SAMPLES, 1)
    steps = [*range(first, last, every), last]
    mid_prices = [mid_price(reads, instrument, step) for step in steps]
    prices = map(to_float, (mid_prices[0], max(mid_prices), min(mid_prices), mid_prices[-1]))
    volume = reads.prices.walk_volume(instrument, first, last + 1)
    return [to_milliseconds(start), *prices, to_float(volume)]


def mid_price(reads: MarketReads, instrument: Instrument, step: int) -> Decimal:
    """Returns the middle of best bid and ask at a step of the random walk."""
    bid, ask = reads.prices.walk_quote(instrument, EPOCH + step * STEP_DURATION)
    return multiply(add(bid, ask), _HALF)


def _parse_since(since: object) -> timedelta:
    if isinstance(since, bool) or not isinstance(since, int | Decimal) or since < 0:
        raise Invalid("since must be a time in milliseconds")
    return timedelta(milliseconds=min(int(since), 10**14))


def _currency(code: str, step: Decimal | None) -> Structure:
    empty = dict.fromkeys(("name", "type", "active", "deposit", "withdraw", "fee", "numericId"))
    limits = {name: {"min": None, "max": None} for name in ("amount", "deposit", "withdraw")}
    fields = {"id": code, "code": code, "precision": None if step is None else to_float(step)}
    return {**fields, **empty, "limits": limits, "networks": {}, "fees": {}, "info": {}}


FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "fetch_tickers": fetch_tickers,
    "fetch_bids_asks": fetch_bids_asks,
    "fetch_status": fetch_status,
    "fetch_currencies": fetch_currencies,
    "fetch_ohlcv": fetch_ohlcv,
    "fetch_mark_ohlcv": fetch_mark_ohlcv,
}
"""Methods by their ccxt names; the first argument is ``MarketReads``."""
