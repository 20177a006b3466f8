"""Description of a paper exchange, and ccxt's small computations over its markets."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from oms.adapters.paper.unified_api.features import build_features
from oms.adapters.paper.unified_api.market_listings import TIMEFRAMES, fetch_currencies
from oms.adapters.paper.unified_api.market_reads import MarketReads
from oms.adapters.paper.unified_api.market_structure import market_structure
from oms.adapters.paper.unified_api.order_parsing import round_price
from oms.adapters.paper.unified_api.structures import (
    Structure,
    timestamp_fields,
    to_float,
    to_milliseconds,
)
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import decimal_text, multiply, round_down_to_step
from oms.domain.orders.order import Side
from oms.simulation.account.costs import is_fee_in_base, settle_value
from oms.simulation.state.exchange_state import EPOCH
from oms.wire.ccxt import trade_requests

TICK_SIZE = 4
"""ccxt's constant for precisions that are tick sizes."""

_TIMEFRAME = re.compile(r"(\d{1,6})([smhdwMy])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}


def describe(reads: MarketReads) -> Structure:
    """Returns identity and capabilities of the exchange."""
    return {
        "id": exchange_id(reads),
        "name": name(reads),
        "countries": [],
        "rateLimit": 0,
        "certified": False,
        "pro": False,
        "has": reads.has(),
        "timeframes": timeframes(reads),
        "fees": fees(reads),
        "limits": limits(reads),
        "precisionMode": TICK_SIZE,
        "features": features(reads),
        "options": {},
        "urls": {},
    }


def exchange_id(reads: MarketReads) -> str:
    """Returns ``paper.<venue>``."""
    return f"paper.{reads.venue}"


def name(reads: MarketReads) -> str:
    """Returns the display name."""
    return f"Paper {reads.venue}"


def has(reads: MarketReads) -> Structure:
    """Returns the supported methods."""
    return reads.has()


def features(reads: MarketReads) -> Structure:
    """Returns what orders support and how far reads reach."""
    return build_features(reads.settings)


def timeframes(reads: MarketReads) -> Structure:
    """Returns the candle timeframes."""
    return {name: name for name in TIMEFRAMES}


def limits(reads: MarketReads) -> Structure:
    """Returns the limits of the exchange: none but those of each market."""
    names = ("leverage", "amount", "price", "cost")
    return {each: {"min": None, "max": None} for each in names}


def fees(reads: MarketReads) -> Structure:
    """Returns trading fees of spot and contracts; nothing else has a fee."""
    value: Structure = {}
    for name, kind in (("trading", InstrumentKind.SPOT), ("swap", InstrumentKind.LINEAR)):
        rates = reads.settings.rates_of(kind)
        value[name] = {
            "tierBased": bool(reads.settings.tiers_of(kind)),
            "percentage": True,
            "maker": to_float(rates.maker),
            "taker": to_float(rates.taker),
        }
    swap = value.pop("swap")
    return {**value, "swap": {"trading": swap}, "funding": {"withdraw": {}, "deposit": {}}}


def precision_mode(reads: MarketReads) -> int:
    """Returns the precision mode: tick sizes."""
    return TICK_SIZE


def symbols(reads: MarketReads) -> list[str]:
    """Returns all symbols, sorted."""
    return sorted(reads.settings.instruments)


def currencies(reads: MarketReads) -> Structure:
    """Returns all currencies by code."""
    return fetch_currencies(reads)


def markets(reads: MarketReads) -> Structure:
    """Returns all markets by symbol."""
    return reads.load_markets()


def market(reads: MarketReads, symbol: object) -> Structure:
    """Returns one market by its symbol or its id."""
    return market_structure(_instrument(reads, symbol), reads.settings)


def market_id(reads: MarketReads, symbol: object) -> object:
    """Returns the exchange's id of a market."""
    return market(reads, symbol)["id"]


def load_time_difference(reads: MarketReads, params: object = None) -> int:
    """Returns 0: both clocks are the same."""
    return 0


def amount_to_precision(reads: MarketReads, symbol: object, amount: object) -> str:
    """Returns an amount rounded down to the step, as text."""
    instrument = _instrument(reads, symbol)
    fitted = round_down_to_step(_number("amount", amount), instrument.step)
    if not fitted:
        message = f"an amount of {instrument.symbol} is at least {decimal_text(instrument.step)}"
        raise Invalid(message, code="qty_below_minimum")
    return decimal_text(fitted)


def price_to_precision(reads: MarketReads, symbol: object, price: object) -> str:
    """Returns a price rounded to the nearest tick, as text."""
    fitted = round_price(_number("price", price), _instrument(reads, symbol))
    assert fitted is not None, "a price was given"
    return decimal_text(fitted)


def cost_to_precision(reads: MarketReads, symbol: object, cost: object) -> str:
    """Returns a cost as text; costs have no step."""
    _instrument(reads, symbol)
    return decimal_text(_number("cost", cost))


def fee_to_precision(reads: MarketReads, symbol: object, fee: object) -> str:
    """Returns a fee as text; fees have no step."""
    _instrument(reads, symbol)
    return decimal_text(_number("fee", fee))


def currency_to_precision(
    reads: MarketReads,
    code: object,
    fee: object,
    networkCode: object = None,
) -> str:
    """Returns an amount of a currency as text."""
    return decimal_text(_number("fee", fee))


def calculate_fee(
    reads: MarketReads,
    symbol: object,
    type: object,
    side: object,
    amount: object,
    price: object,
    takerOrMaker: object = "taker",
    params: object = None,
) -> Structure:
    """Returns the fee of an order; without a side that of a buy, as for ccxt's rate queries."""
    instrument, settings = _instrument(reads, symbol), reads.settings
    if takerOrMaker not in ("taker", "maker") or side not in ("buy", "sell", "", None):
        raise Invalid("side is buy or sell, takerOrMaker is taker or maker")
    qty, at = _number("amount", amount), _number("price", price)
    rates = settings.rates_of(instrument.kind)
    rate = rates.taker if takerOrMaker == "taker" else rates.maker
    base = side != "sell" and is_fee_in_base(settings, instrument, Side.BUY)
    value = qty if base else settle_value(instrument, qty, at)
    return {
        "type": takerOrMaker,
        "currency": instrument.base if base else instrument.settle,
        "rate": to_float(rate),
        "cost": to_float(multiply(value, rate)),
    }


def clock_milliseconds(reads: MarketReads) -> int:
    """Returns the clock of the exchange in milliseconds."""
    return to_milliseconds(reads.now)


def clock_seconds(reads: MarketReads) -> int:
    """Returns the clock of the exchange in whole seconds."""
    return to_milliseconds(reads.now) // 1000


def iso8601(reads: MarketReads, timestamp: object = None) -> object:
    """Returns a time in milliseconds as text; ``None`` if invalid."""
    if isinstance(timestamp, bool) or not isinstance(timestamp, int) or not 0 <= timestamp < 2**46:
        return None
    return timestamp_fields(EPOCH + timedelta(milliseconds=timestamp))["datetime"]


def parse8601(reads: MarketReads, timestamp: object = None) -> object:
    """Returns a time in milliseconds from text; ``None`` if invalid."""
    if not isinstance(timestamp, str) or len(timestamp) > 40:
        return None
    try:
        parsed = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return to_milliseconds(parsed)


def parse_timeframe(reads: MarketReads, timeframe: object) -> int:
    """Returns the seconds of a timeframe such as ``5m``."""
    read = _TIMEFRAME.fullmatch(timeframe) if isinstance(timeframe, str) else None
    if read is None:
        raise Invalid("a timeframe such as 5m is expected")
    return int(read[1]) * _SECONDS[read[2]]


def _instrument(reads: MarketReads, value: object) -> Instrument:
    instruments = reads.settings.instruments
    if isinstance(value, str) and value not in instruments:
        for each in instruments.values():
            if market_structure(each, reads.settings)["id"] == value:
                return each
    return reads.instrument(value)


def _number(name: str, value: object) -> Decimal:
    read = trade_requests.positive_number(name, value)
    if read is None:
        raise Invalid(f"{name}: a number is expected")
    return read


FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "id": exchange_id,
    "milliseconds": clock_milliseconds,
    "seconds": clock_seconds,
} | {
    each.__name__: each
    for each in (
        *(describe, name, has, features, timeframes, limits, fees, precision_mode, symbols),
        *(currencies, markets, market, market_id, load_time_difference, amount_to_precision),
        *(price_to_precision, cost_to_precision, fee_to_precision, currency_to_precision),
        *(calculate_fee, iso8601, parse8601, parse_timeframe),
    )
}
"""Methods by their ccxt names."""
