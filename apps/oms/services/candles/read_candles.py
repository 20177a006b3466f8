"""Reads pages of stored candles, what is stored of each series, and what is missing."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from oms.domain.errors import Invalid
from oms.domain.market.candle_rows import CandleRow
from oms.domain.market.data_gaps import candles_between
from oms.domain.market.ingestion_schedule import closed_until
from oms.domain.market.market_instrument import MarketInstrument, TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.clock import Clock
from oms.ports.market.candle_query import (
    CandlePage,
    CandleQuery,
    CoveragePage,
    GapSearch,
    StoredSeries,
)
from oms.ports.market.candle_store import (
    CandleSeries,
    CandleStore,
    InstrumentStore,
    SeriesCoverage,
)
from oms.services.candles.store_candles import require_instrument, stored_gaps

GAP_SEARCH_CANDLES_MAX = 100_000
"""Candles that one search for gaps looks at."""
_MONTH = timedelta(days=31)


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

    async def coverage(self, exchange: str | None, after: int, limit: int) -> CoveragePage:
        """Return what is stored of ``limit`` instruments after the first ``after``.

        Instruments without candles are left out. Raises ``Unavailable``.
        """
        instruments = await self.instruments.all(exchange)
        part = instruments[after : after + limit]
        series = [
            CandleSeries(instrument_id=each.id, timeframe=timeframe)
            for each in part
            for timeframe in Timeframe
        ]
        stored = {each.instrument_id for each in await self.candles.newest_closed(series)}
        items: list[StoredSeries] = []
        for instrument in part:
            if instrument.id in stored:
                found = await self.candles.coverage(instrument.id)
                items += [_stored_series(instrument, each) for each in found]
        end = after + limit
        return CoveragePage(items=items, after=end if end < len(instruments) else None)

    async def gaps(self, query: CandleQuery) -> GapSearch:
        """Return the gaps of a range, by default of the newest candles that one search looks at.

        Raises ``NotFound``, ``Invalid`` for a longer range and for an instrument that does not
        trade all the time, ``Unavailable``.
        """
        instrument = await require_instrument(self.instruments, query.exchange, query.symbol)
        series = CandleSeries(instrument_id=instrument.id, timeframe=query.timeframe)
        longest = (query.timeframe.length or _MONTH) * GAP_SEARCH_CANDLES_MAX
        end = query.end or await self._stored_end(series)
        if end is None:
            return GapSearch(start=None, end=None, gaps=())
        start = query.start or await self._first_open(series, _before(end, longest))
        if start is None or start >= end:
            return GapSearch(start=start, end=end, gaps=())
        if end - start > longest:
            raise Invalid(f"a search looks at {GAP_SEARCH_CANDLES_MAX} candles at most")
        found = await stored_gaps(self.candles, instrument, query.timeframe, start, end)
        return GapSearch(start=start, end=end, gaps=found)

    async def _stored_end(self, series: CandleSeries) -> datetime | None:
        """Return when the newest closed candle closes."""
        newest = (await self.candles.newest_closed([series])).get(series)
        return None if newest is None else series.timeframe.next_open(newest)

    async def _first_open(self, series: CandleSeries, start: datetime | None) -> datetime | None:
        """Return when the first candle from ``start`` on opens."""
        async for opened in self.candles.open_times(series, start):
            return opened
        return None

    async def _forming(self, series: CandleSeries, query: CandleQuery) -> Sequence[CandleRow]:
        """Return the candle that has not closed; one that was left open earlier is no such."""
        current = closed_until(series.timeframe, self.clock.now())
        start = current if query.start is None else max(current, query.start)
        found = await self.candles.newest(
            series, start=start, end=query.end, limit=2, include_open=True
        )
        return [row for row in found if not row.is_closed]


def _stored_series(instrument: MarketInstrument, coverage: SeriesCoverage) -> StoredSeries:
    missing = None
    if instrument.session is TradingSession.CONTINUOUS:
        expected = candles_between(coverage.first, coverage.last, coverage.series.timeframe)
        missing = expected - coverage.count
    return StoredSeries(instrument=instrument, coverage=coverage, missing=missing)


def _before(end: datetime, longest: timedelta) -> datetime | None:
    """Return the moment ``longest`` before ``end``; ``None``: it is before all times."""
    try:
        return end - longest
    except OverflowError:
        return None
