"""The task of ingestion: fetches the candles of scheduled series after each close.

A fetch that is repeated changes nothing, so the lease spares requests and guards no data. The
series of one exchange are fetched one after the other, those of several exchanges at once: an
exchange that does not answer delays no other one.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from oms.domain.market.ingestion_schedule import closed_until, next_fetch
from oms.domain.value import evolve
from oms.ports.clock import Clock
from oms.ports.market.ingestion import INGESTION_TASK, CandleFetchers, Ingestion, IngestionStore
from oms.runner.task_run import TaskRun
from oms.services.candles.ingest_candles import IngestCandles

logger = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
PAGE_SECONDS_MAX = 30.0


@dataclass(slots=True, kw_only=True)
class CandleIngestion:
    """``RunnerTask`` that keeps series of candles up to date."""

    store: IngestionStore
    fetchers: CandleFetchers
    ingest: IngestCandles
    clock: Clock
    name: str = INGESTION_TASK
    #: By ingestion, the fetches since the last one that had the candle that closed last.
    _attempts: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _failed: set[int] = field(default_factory=set)
    #: By exchange.
    _fetches: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    async def __call__(self, run: TaskRun) -> None:
        """Work until the stop."""
        try:
            while not run.stop.is_set():
                self._raise_failures()
                due: dict[str, list[Ingestion]] = defaultdict(list)
                for each in await self.store.all(only_enabled=True):
                    if self._is_due(each):
                        due[each.instrument.exchange].append(each)
                for exchange, ingestions in due.items():
                    if exchange not in self._fetches:
                        fetch = self._fetch_each(run, ingestions)
                        self._fetches[exchange] = asyncio.create_task(fetch, name=exchange)
                run.show_progress()
                await run.pause(ROUND_SECONDS)
        finally:
            await self._end()

    def _raise_failures(self) -> None:
        """Remove the fetches that ended, and raise what one of them raised."""
        for exchange, fetch in list(self._fetches.items()):
            if fetch.done():
                del self._fetches[exchange]
                fetch.result()  # a lost lease, no database, or a bug: the task is started again

    async def _end(self) -> None:
        """Cancel the fetches: what they stored stays, and the next runner continues."""
        fetches, self._fetches = [*self._fetches.values()], {}
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)
        await self.fetchers.close()

    def _is_due(self, ingestion: Ingestion) -> bool:
        at = next_fetch(
            ingestion.timeframe,
            ingestion.newest_open,
            ingestion.fetched_at,
            self._attempts[ingestion.id],
        )
        return at is None or at <= self.clock.now()

    async def _fetch_each(self, run: TaskRun, ingestions: Sequence[Ingestion]) -> None:
        for ingestion in ingestions:
            if run.stop.is_set():
                return
            run.require_valid()
            result = await self._fetch(run, ingestion)
            await self.store.record(run.lease, result)
            self._count(result)

    async def _fetch(self, run: TaskRun, ingestion: Ingestion) -> Ingestion:
        """Return the result of a fetch; a page that takes too long is a failure of the exchange."""
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(PAGE_SECONDS_MAX) as limit:

                def on_page() -> None:
                    run.require_valid()
                    limit.reschedule(now() + PAGE_SECONDS_MAX)

                return await self.ingest(ingestion, on_page)
        except TimeoutError:
            error = f"the exchange did not answer within {PAGE_SECONDS_MAX:g} s"
            return evolve(ingestion, fetched_at=self.clock.now(), last_error=error)

    def _count(self, result: Ingestion) -> None:
        series = f"{result.instrument.exchange} {result.instrument.symbol} {result.timeframe.value}"
        if result.last_error is None:
            self._attempts[result.id] = self._attempts[result.id] + 1 if _is_behind(result) else 0
            if result.id in self._failed:
                logger.info("candles_fetched_again series=%s", series)
            self._failed.discard(result.id)
            return
        self._attempts[result.id] += 1
        if result.id not in self._failed:
            logger.warning("candles_not_fetched series=%s why=%s", series, result.last_error)
        self._failed.add(result.id)


def _is_behind(result: Ingestion) -> bool:
    """Return whether the candle that closed last is missing."""
    if result.newest_open is None or result.fetched_at is None:
        return True
    forming = closed_until(result.timeframe, result.fetched_at)
    return result.timeframe.next_open(result.newest_open) < forming
