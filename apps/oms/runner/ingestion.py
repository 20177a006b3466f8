"""The task of ingestion: fetches the candles of scheduled series after each close.

A fetch that is repeated changes nothing, so the lease spares requests and guards no data. The
series of one exchange are fetched one after the other, those of several exchanges at once: one
exchange that does not answer delays no other.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from oms.domain.market.ingestion_schedule import closed_until, next_fetch
from oms.domain.value import evolve
from oms.ports.clock import Clock
from oms.ports.market.ingestion import INGESTION_TASK, CandleFetchers, Ingestion, IngestionStore
from oms.runner.task_run import TaskRun
from oms.services.candles.ingest_candles import IngestCandles

logger = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
FETCH_SECONDS_MAX = 30.0


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

    async def __call__(self, run: TaskRun) -> None:
        """Work until the stop."""
        try:
            while not run.stop.is_set():
                due: dict[str, list[Ingestion]] = defaultdict(list)
                for each in await self.store.all(only_enabled=True):
                    if self._is_due(each):
                        due[each.instrument.exchange].append(each)
                await _all(self._fetch_each(run, each) for each in due.values())
                run.show_progress()
                await run.pause(ROUND_SECONDS)
        finally:
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
            try:
                async with asyncio.timeout(FETCH_SECONDS_MAX):
                    result = await self.ingest(ingestion, run.show_progress)
            except TimeoutError:
                error = f"the exchange did not answer within {FETCH_SECONDS_MAX:g} s"
                result = evolve(ingestion, fetched_at=self.clock.now(), last_error=error)
            await self.store.record(run.lease, result)
            self._count(result)

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


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all of them, then raise the first failure."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def _is_behind(result: Ingestion) -> bool:
    """Return whether the candle that closed last is missing."""
    if result.newest_open is None or result.fetched_at is None:
        return True
    forming = closed_until(result.timeframe, result.fetched_at)
    return result.timeframe.next_open(result.newest_open) < forming
