"""Market reads derived from others: books, public trades, mark prices, funding, tiers."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.paper.market_data.price_sources import PriceSource
from oms.adapters.paper.unified_api.contract_structures import leverage_tiers
from oms.adapters.paper.unified_api.market_listings import fetch_tickers, mid_price
from oms.adapters.paper.unified_api.market_reads import MarketReads
from oms.adapters.paper.unified_api.read_arguments import parse_limit, select_symbols
from oms.adapters.paper.unified_api.structures import Structure, timestamp_fields, to_float
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind
from oms.simulation.account.costs import settle_value
from oms.simulation.market.random_walk import STEP_DURATION, step_at
from oms.simulation.state.contract_overrides import NO_OVERRIDES
from oms.simulation.state.exchange_state import EPOCH

TRADES_MAX = 500
"""Maximum number of public trades per read."""

_TRADES_DEFAULT = 50
_FUNDING_EVERY = timedelta(hours=8)
_HALF = Decimal("0.5")


def fetch_l2_order_book(
    reads: MarketReads, symbol: str, limit: int | None = None, params: object = None
) -> Structure:
    """Returns the order book, which has no other levels."""
    return reads.fetch_order_book(symbol, limit)


def fetch_order_books(
    reads: MarketReads,
    symbols: object = None,
    limit: int | None = None,
    params: object = None,
) -> Structure:
    """Returns order books by symbol, of these or of all."""
    return {
        symbol: reads.fetch_order_book(symbol, limit) for symbol in select_symbols(reads, symbols)
    }


def fetch_trades(
    reads: MarketReads,
    symbol: str,
    since: object = None,
    limit: object = None,
    params: object = None,
) -> list[Structure]:
    """Returns public trades: of a random walk one per step at its mid price; else none.

    From ``since`` on, else the newest; the oldest first. Their amounts add up to those of candles.
    """
    instrument = reads.instrument(symbol)
    count = parse_limit(limit, default=_TRADES_DEFAULT, most=TRADES_MAX)
    if reads.prices.source(symbol) is not PriceSource.WALK:
        return []  # public trades of tapes and manual prices are not kept
    newest = step_at(reads.now)
    first = newest - count + 1
    if since is not None:
        first = step_at(_parse_since(since) - timedelta(microseconds=1)) + 1
    return [_trade(reads, instrument, n) for n in range(first, min(first + count, newest + 1))]


def fetch_mark_price(reads: MarketReads, symbol: str, params: object = None) -> Structure:
    """Returns the ticker of a contract, which includes the mark price."""
    if reads.instrument(symbol).kind is InstrumentKind.SPOT:
        raise Invalid(f"{symbol} is no contract and has no mark")
    return reads.fetch_ticker(symbol)


def fetch_mark_prices(
    reads: MarketReads, symbols: object = None, params: object = None
) -> Structure:
    """Returns tickers of these contracts, or of all."""
    found = [symbol for symbol in select_symbols(reads, symbols) if _is_contract(reads, symbol)]
    return fetch_tickers(reads, found)


def fetch_last_prices(
    reads: MarketReads, symbols: object = None, params: object = None
) -> Structure:
    """Returns last prices by symbol."""
    tickers: Structure = {}
    for symbol in select_symbols(reads, symbols):
        ticker = reads.fetch_ticker(symbol)
        tickers[symbol] = {
            "symbol": symbol,
            "timestamp": ticker["timestamp"],
            "datetime": ticker["datetime"],
            "price": ticker["last"],
            "side": None,
            "info": {},
        }
    return tickers


def fetch_funding_rate(reads: MarketReads, symbol: str, params: object = None) -> Structure:
    """Returns the funding rate of the next funding time, and that time."""
    if not _is_contract(reads, symbol):
        raise Invalid(f"{symbol} is no contract and pays no funding")
    terms = reads.contracts.get(symbol, NO_OVERRIDES)
    rate = reads.settings.funding_rate if terms.funding_rate is None else terms.funding_rate
    after = EPOCH + ((reads.now - EPOCH) // _FUNDING_EVERY + 1) * _FUNDING_EVERY
    due = timestamp_fields(after)
    empty = dict.fromkeys(
        (
            *("interestRate", "estimatedSettlePrice", "nextFundingRate", "nextFundingTimestamp"),
            *("nextFundingDatetime", "previousFundingRate", "previousFundingTimestamp"),
            "previousFundingDatetime",
        )
    )
    mark = reads.fetch_ticker(symbol)["markPrice"]
    return {
        "info": {},
        "symbol": symbol,
        "markPrice": mark,
        "indexPrice": mark,
        **empty,
        **timestamp_fields(reads.now),
        "fundingRate": to_float(rate),
        "fundingTimestamp": due["timestamp"],
        "fundingDatetime": due["datetime"],
        "interval": "8h",
    }


def fetch_funding_rates(
    reads: MarketReads, symbols: object = None, params: object = None
) -> Structure:
    """Returns funding rates of these contracts, or of all."""
    found = [symbol for symbol in select_symbols(reads, symbols) if _is_contract(reads, symbol)]
    return {symbol: fetch_funding_rate(reads, symbol) for symbol in found}


def fetch_market_leverage_tiers(
    reads: MarketReads, symbol: str, params: object = None
) -> list[Structure]:
    """Returns the single leverage tier of a contract."""
    return leverage_tiers(reads.instrument(symbol))


def fetch_leverage_tiers(
    reads: MarketReads, symbols: object = None, params: object = None
) -> Structure:
    """Returns the leverage tiers of these contracts, or of all."""
    found = [symbol for symbol in select_symbols(reads, symbols) if _is_contract(reads, symbol)]
    return {symbol: leverage_tiers(reads.instrument(symbol)) for symbol in found}


def _is_contract(reads: MarketReads, symbol: str) -> bool:
    return reads.instrument(symbol).kind is not InstrumentKind.SPOT


def _trade(reads: MarketReads, instrument: Instrument, step: int) -> Structure:
    before, price = (mid_price(reads, instrument, n) for n in (step - 1, step))
    amount = reads.prices.walk_volume(instrument, step, step + 1)
    return {
        "id": str(step),
        "order": None,
        **timestamp_fields(EPOCH + step * STEP_DURATION),
        "symbol": instrument.symbol,
        "type": None,
        "side": "sell" if price < before else "buy",
        "takerOrMaker": None,
        "price": to_float(price),
        "amount": to_float(amount),
        "cost": to_float(settle_value(instrument, amount, price)),
        "fee": {"cost": None, "currency": None},
        "fees": [],
        "info": {},
    }


def _parse_since(since: object) -> datetime:
    if isinstance(since, bool) or not isinstance(since, int) or not 0 <= since < 2**46:
        raise Invalid("since must be a time in milliseconds")
    return EPOCH + timedelta(milliseconds=since)


FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "fetch_l2_order_book": fetch_l2_order_book,
    "fetch_order_books": fetch_order_books,
    "fetch_trades": fetch_trades,
    "fetch_mark_price": fetch_mark_price,
    "fetch_mark_prices": fetch_mark_prices,
    "fetch_last_prices": fetch_last_prices,
    "fetch_funding_rate": fetch_funding_rate,
    "fetch_funding_rates": fetch_funding_rates,
    "fetch_market_leverage_tiers": fetch_market_leverage_tiers,
    "fetch_leverage_tiers": fetch_leverage_tiers,
}
"""Methods by their ccxt names."""
