"""Reads pages of stored candles."""

from collections.abc import Sequence

from oms.domain.market.candle_rows import CandleRow
from oms.domain.market.ingestion_schedule import closed_until
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.value import value
from oms.ports.clock import Clock
from oms.ports.market.candle_query import CandlePage, CandleQuery
from oms.ports.market.candle_store import CandleSeries, CandleStore, InstrumentStore
from oms.services.candles.store_candles import require_instrument


@value
class ReadCandles:
    """Reads instruments and pages of candles."""

    instruments: InstrumentStore
    candles: CandleStore
    clock: Clock

    async def __call__(self, query: CandleQuery) -> CandlePage:
        """Return a page of closed candles. Raises ``NotFound``, ``Unavailable``."""
        instrument = await require_instrument(self.instruments, query.exchange, query.symbol)
        series = CandleSeries(instrument_id=instrument.id, timeframe=query.timeframe)
        found = await self.candles.newest(
            series, start=query.start, end=query.end, limit=query.limit + 1
        )
        rows = [*found[-query.limit :]]
        older_than = rows[0].candle.open_time if len(found) > query.limit else None
        if query.include_open:
            rows += await self._forming(series, query)
        return CandlePage(rows=rows, older_than=older_than)

    async def instrument(self, exchange: str, symbol: str) -> MarketInstrument:
        """Return an instrument. Raises ``NotFound``, ``Unavailable``."""
        return await require_instrument(self.instruments, exchange, symbol)

    async def all_instruments(
        self, exchange: str | None, *, active: bool | None
    ) -> Sequence[MarketInstrument]:
        """Return instruments, ascending by exchange and symbol. Raises ``Unavailable``."""
        return await self.instruments.all(exchange, active=active)

    async def _forming(self, series: CandleSeries, query: CandleQuery) -> Sequence[CandleRow]:
        """Return the candle that has not closed; one that was left open earlier is no such."""
        current = closed_until(series.timeframe, self.clock.now())
        start = current if query.start is None else max(current, query.start)
        found = await self.candles.newest(
            series, start=start, end=query.end, limit=2, include_open=True
        )
        return [row for row in found if not row.is_closed]
