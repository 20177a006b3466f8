"""Candles of the demo: those of its paper exchange, stored as those of any other are."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from oms.adapters.sql.store import SqlStore
from oms.cli.demo.past_trading import PastTrading
from oms.cli.demo.planned_trades import HEDGE
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleSource
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.audit_log import AuditContext
from oms.ports.market.candle_store import CandleSeries
from oms.services.candles.store_candles import store_candles

EXCHANGE = "paper.binance"
#: Symbol, its base currency and the smallest change of its price.
_SYMBOLS = (
    ("BTC/USDT:USDT", "BTC", Decimal("0.1")),
    ("ETH/USDT:USDT", "ETH", Decimal("0.01")),
    ("BTC/USDT", "BTC", Decimal("0.01")),
)
#: Timeframes with the longest past of each.
_PASTS = (
    (Timeframe.MINUTES_5, timedelta(days=3)),
    (Timeframe.HOUR, timedelta(days=60)),
    (Timeframe.HOURS_4, timedelta(days=60)),
    (Timeframe.DAY, timedelta(days=60)),
)
_ROWS = 1000

Series = list[tuple[MarketInstrument, Timeframe, list[Candle]]]


async def fetch_demo_candles(trading: PastTrading) -> Series:
    """Return the candles of the demo's past, as its paper exchange has them."""
    found: Series = []
    for symbol, base, tick in _SYMBOLS:
        instrument = MarketInstrument(
            id=0,
            exchange=EXCHANGE,
            symbol=symbol,
            base=base,
            quote="USDT",
            market_type="swap" if ":" in symbol else "spot",
            price_tick=tick,
        )
        for timeframe, past in _PASTS:
            start = max(trading.start, trading.gateway.clock.now() - past)
            found.append((instrument, timeframe, await _fetch(trading, symbol, timeframe, start)))
    return found


async def store_demo_candles(store: SqlStore, series: Series, now: datetime) -> None:
    """Store instruments, and the candles that closed until ``now``."""
    stored: dict[str, MarketInstrument] = {}
    settled = now + timedelta(minutes=1)
    for instrument, timeframe, candles in series:
        if instrument.symbol not in stored:
            context = AuditContext(actor="demo", at=now, role="admin")
            stored[instrument.symbol] = await store.instruments.add(instrument, context)
        at = CandleSeries(instrument_id=stored[instrument.symbol].id, timeframe=timeframe)
        closed = [each for each in candles if timeframe.next_open(each.open_time) <= now]
        await store_candles(store.candles, at, closed, CandleSource.EXCHANGE, settled)


async def _fetch(
    trading: PastTrading, symbol: str, timeframe: Timeframe, start: datetime
) -> list[Candle]:
    account = trading.registry.account_ids[HEDGE]
    found: list[Candle] = []
    since = timeframe.open_of(start)
    while True:
        milliseconds = int(since.timestamp() * 1000)
        args = [symbol, timeframe.value, milliseconds, _ROWS]
        answer = await trading.ask("POST", f"/ccxt/{account}/fetch_ohlcv", {"args": args})
        rows: Sequence[Sequence[Any]] = answer["result"]
        found += [_candle(row) for row in rows]
        if len(rows) < _ROWS:
            return found
        since = timeframe.next_open(found[-1].open_time)


def _candle(row: Sequence[Any]) -> Candle:
    at, *prices, volume = row
    opened, high, low, close = (Decimal(str(each)) for each in prices)
    return Candle(
        open_time=datetime.fromtimestamp(at / 1000, UTC),
        open=opened,
        high=max(high, opened, close),
        low=min(low, opened, close),
        close=close,
        volume=None if volume is None else Decimal(str(volume)),
    )
