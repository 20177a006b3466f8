"""Keeps a series of candles up to date."""

from collections.abc import Callable
from datetime import datetime

from oms.domain.errors import Invalid, NotFound, Unavailable
from oms.domain.value import evolve, value
from oms.ports.clock import Clock
from oms.ports.market.candle_store import CandleSeries, CandleStore
from oms.ports.market.ingestion import CandleFetchers, Ingestion
from oms.services.candles.fetch_candles import CandleFetch


@value
class IngestCandles:
    """Fetches what closed since the newest stored candle."""

    fetchers: CandleFetchers
    store: CandleStore
    clock: Clock

    async def __call__(self, ingestion: Ingestion, on_page: Callable[[], None]) -> Ingestion:
        """Fetch once; return the ingestion with the result. An exchange that fails is a result.

        Raises ``Unavailable`` if the database fails, and what ``on_page`` raises.
        """
        instrument, timeframe = ingestion.instrument, ingestion.timeframe
        series = CandleSeries(instrument_id=instrument.id, timeframe=timeframe)
        newest = await self._newest_open(series)
        now, error = self.clock.now(), None
        try:
            fetcher = await self.fetchers.open(instrument.exchange)
            # The candles that a series begins with are not reported.
            fetch = CandleFetch(
                fetcher=fetcher, store=self.store, clock=self.clock, announces=newest is not None
            )
            start = ingestion.start if newest is None else timeframe.next_open(newest)
            await fetch(instrument, timeframe, start, now, lambda done, total: on_page())
        except (NotFound, Invalid, Unavailable) as failure:
            if failure.code == Unavailable.code:
                raise  # the database, not the exchange
            error = failure.message
        newest = await self._newest_open(series)
        return evolve(ingestion, fetched_at=now, newest_open=newest, last_error=error)

    async def _newest_open(self, series: CandleSeries) -> datetime | None:
        rows = await self.store.newest(series, start=None, end=None, limit=1)
        return rows[0].candle.open_time if rows else None
