"""Candles in a database."""

from datetime import UTC, datetime
from decimal import Decimal

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow, CandleSource
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.audit_log import AuditContext
from oms.ports.market.candle_store import CandleSeries


async def store_candle(store: SqlStore) -> None:
    """Store one closed hour of BTC/USDT at binance."""
    at, price = datetime(2026, 1, 1, tzinfo=UTC), Decimal(60000)
    instrument = await store.instruments.add(
        MarketInstrument(id=0, exchange="binance", symbol="BTC/USDT", base="BTC", quote="USDT"),
        AuditContext(actor="test", at=at),
    )
    candle = Candle(
        open_time=at, open=price, high=price, low=price, close=price, volume=Decimal("1.5")
    )
    row = CandleRow(candle=candle, is_closed=True, source=CandleSource.FILE, updated_at=at)
    series = CandleSeries(instrument_id=instrument.id, timeframe=Timeframe.HOUR)
    await store.candles.upsert(series, [row])


async def store_closed_minute(dsn: str, symbol: str, at: datetime, close: Decimal) -> None:
    """Store a closed candle of one minute of a known symbol at binance, without a range."""
    candle = Candle(open_time=at, open=close, high=close, low=close, close=close, volume=None)
    row = CandleRow(candle=candle, is_closed=True, source=CandleSource.FILE, updated_at=at)
    store = await SqlStore.open(dsn, check_account)
    try:
        instrument = await store.instruments.find("binance", symbol)
        assert instrument is not None
        series = CandleSeries(instrument_id=instrument.id, timeframe=Timeframe.MINUTE)
        await store.candles.upsert(series, [row])
    finally:
        await store.close()
