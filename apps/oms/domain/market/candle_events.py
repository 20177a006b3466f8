"""Events of stored candles: one that closed, one that changed after its close."""

from collections.abc import Mapping

from oms.domain.event import Event, Namespace
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe


def candle_event(
    instrument: MarketInstrument, timeframe: Timeframe, stored: CandleRow | None, new: CandleRow
) -> Event | None:
    """Return what storing ``new`` reports; ``None`` while its candle is open."""
    if not new.is_closed:
        return None
    if stored is not None and stored.is_closed:
        return _revised(instrument, timeframe, stored.candle, new.candle)
    return _closed(instrument, timeframe, new.candle)


def _closed(instrument: MarketInstrument, timeframe: Timeframe, candle: Candle) -> Event:
    facts = {
        "exchange_id": instrument.exchange,
        "symbol": instrument.symbol,
        "timeframe": timeframe.value,
        "open_time": candle.open_time,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
    }
    return Event(name="candle_closed", namespace=Namespace.MARKET, facts=facts)


def _revised(
    instrument: MarketInstrument, timeframe: Timeframe, before: Candle, after: Candle
) -> Event:
    facts = {
        "exchange_id": instrument.exchange,
        "symbol": instrument.symbol,
        "timeframe": timeframe.value,
        "open_time": after.open_time,
        "old": _numbers(before),
        "new": _numbers(after),
    }
    return Event(name="candle_revised", namespace=Namespace.MARKET, facts=facts)


def _numbers(candle: Candle) -> Mapping[str, object]:
    return {name: getattr(candle, name) for name in ("open", "high", "low", "close", "volume")}
