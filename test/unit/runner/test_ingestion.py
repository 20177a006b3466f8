"""Scheduled series of candles are fetched after each close, on a real database."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kit.backtests.recorded_fetcher import HOUR, START, RecordedFetcher, RecordedFetchers
from kit.databases.schema import create_schema
from kit.polling import poll_until
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.domain.errors import LeaseLost, Unavailable
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.audit_log import AuditContext
from oms.ports.clock import Clock
from oms.ports.market.candle_store import CandleSeries
from oms.ports.market.ingestion import INGESTION_TASK, Ingestion
from oms.runner import ingestion
from oms.runner.ingestion import CandleIngestion
from oms.runner.task_run import TaskRun
from oms.services.candles.ingest_candles import IngestCandles

SETTLED = 3 / 3600
CONTEXT = AuditContext(actor="test", at=START)


@dataclass
class Scheduled:
    """The task, its database and a settable time, in hours since ``START``."""

    store: SqlStore
    hours: float = 10 + SETTLED
    fetchers: RecordedFetchers = field(default_factory=lambda: RecordedFetchers({}))

    def now(self) -> datetime:
        return START + self.hours * HOUR

    async def add(self, exchange: str, first_hour: int = 0) -> Ingestion:
        instrument = await self.store.instruments.add(
            MarketInstrument(id=0, exchange=exchange, symbol="A/B", base="A", quote="B"), CONTEXT
        )
        new = Ingestion(
            id=0,
            instrument=instrument,
            timeframe=Timeframe.HOUR,
            is_enabled=True,
            start=START + first_hour * HOUR,
        )
        return await self.store.ingestions.set(new, CONTEXT)

    async def stored_hours(self, added: Ingestion) -> list[int]:
        series = CandleSeries(instrument_id=added.instrument.id, timeframe=Timeframe.HOUR)
        rows = await self.store.candles.newest(series, start=None, end=None, limit=100)
        return [int((row.candle.open_time - START) / HOUR) for row in rows]

    async def reported_hours(self) -> list[int]:
        rows = [each.row for each in await self.store.history.events({0: 0}, 100)]
        assert {row.event_type for row in rows} == {"candle_closed"}
        times = [datetime.fromisoformat(json.loads(row.payload)["open_time"]) for row in rows]
        return [int((time - START) / HOUR) for time in times]

    async def row(self, added: Ingestion) -> Ingestion:
        return next(each for each in await self.store.ingestions.all() if each.id == added.id)

    async def is_fetched(self, added: Ingestion, hour: int) -> bool:
        row = await self.row(added)
        return row.newest_open == START + hour * HOUR

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        clock = cast(Clock, SimpleNamespace(now=self.now))
        ingest = IngestCandles(fetchers=self.fetchers, store=self.store.candles, clock=clock)
        task = CandleIngestion(
            store=self.store.ingestions, fetchers=self.fetchers, ingest=ingest, clock=clock
        )
        (lease,) = await self.store.task_leases.acquire("a", [INGESTION_TASK], 60)
        stop = asyncio.Event()
        run = TaskRun(lease=lease, stop=stop, valid_until=float("inf"))
        work = asyncio.create_task(task(run))
        try:
            yield work
        finally:
            stop.set()
            await asyncio.wait({work})
            await self.store.task_leases.release_all("a")


@pytest.fixture
async def scheduled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scheduled]:
    """Return a task on an empty database, with rounds of a few milliseconds."""
    monkeypatch.setattr(ingestion, "ROUND_SECONDS", 0.005)
    dsn = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    await create_schema(dsn)
    store = await SqlStore.open(dsn, check_account)
    yield Scheduled(store)
    await store.close()


def _true(value: Any) -> bool:
    return bool(value)


async def test_a_series_is_fetched_once_after_each_close(scheduled: Scheduled) -> None:
    fetcher = RecordedFetcher(dict.fromkeys(range(30), 1))
    scheduled.fetchers.fetchers["x"] = fetcher
    added = await scheduled.add("x", first_hour=4)
    async with scheduled.running():
        await poll_until(lambda: scheduled.is_fetched(added, 9), _true)
        assert await scheduled.stored_hours(added) == [*range(4, 10)]
        scheduled.hours = 11.5
        await poll_until(lambda: scheduled.is_fetched(added, 10), _true)
        scheduled.hours = 13 + SETTLED
        await poll_until(lambda: scheduled.is_fetched(added, 12), _true)
    assert await scheduled.stored_hours(added) == [*range(4, 13)]
    assert await scheduled.reported_hours() == [10, 11, 12], "what was there before is not reported"
    assert fetcher.requests == [4, 10, 11], "nothing is fetched between two closes"
    assert scheduled.fetchers.closed == 1


async def test_an_exchange_that_fails_delays_no_other(scheduled: Scheduled) -> None:
    scheduled.fetchers.fetchers["x"] = RecordedFetcher({}, error="x is down")
    scheduled.fetchers.fetchers["y"] = RecordedFetcher(dict.fromkeys(range(30), 1))
    failing, other = await scheduled.add("x"), await scheduled.add("y")

    async def has_failed() -> bool:
        return (await scheduled.row(failing)).last_error == "x is down"

    async with scheduled.running():
        await poll_until(has_failed, _true)
        await poll_until(lambda: scheduled.is_fetched(other, 9), _true)
        assert await scheduled.stored_hours(failing) == []
        fetcher = scheduled.fetchers.fetchers["x"]
        fetcher.error, fetcher.hours = None, dict.fromkeys(range(30), 1)
        scheduled.hours += 2 / 3600
        await poll_until(lambda: scheduled.is_fetched(failing, 9), _true)
    assert (await scheduled.row(failing)).last_error is None
    assert await scheduled.stored_hours(failing) == [*range(10)], "nothing is lost by the failure"


async def test_an_exchange_that_hangs_delays_no_other(
    scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = RecordedFetcher(dict.fromkeys(range(30), 1), hangs=True)
    scheduled.fetchers.fetchers["x"] = hanging
    scheduled.fetchers.fetchers["y"] = RecordedFetcher(dict.fromkeys(range(30), 1))
    failing, other = await scheduled.add("x"), await scheduled.add("y")

    async def has_failed() -> bool:
        return "did not answer within 0.05 s" in ((await scheduled.row(failing)).last_error or "")

    async with scheduled.running():
        for hour in (9, 10, 11):
            await poll_until(partial(scheduled.is_fetched, other, hour), _true)
            scheduled.hours += 1
    assert (await scheduled.row(failing)).fetched_at is None, "it still hangs"
    monkeypatch.setattr(ingestion, "PAGE_SECONDS_MAX", 0.05)
    async with scheduled.running():
        await poll_until(has_failed, _true)
        hanging.hangs = False
        scheduled.hours += 1
        await poll_until(partial(scheduled.is_fetched, failing, 13), _true)
    assert await scheduled.stored_hours(failing) == [*range(14)]


async def test_a_candle_that_comes_late_is_fetched_again(scheduled: Scheduled) -> None:
    fetcher = RecordedFetcher(dict.fromkeys(range(9), 1))
    scheduled.fetchers.fetchers["x"] = fetcher
    added = await scheduled.add("x", first_hour=5)
    async with scheduled.running():
        await poll_until(lambda: scheduled.is_fetched(added, 8), _true)
        requests = len(fetcher.requests)
        fetcher.hours[9] = 1
        scheduled.hours += 1.5 / 3600
        await poll_until(lambda: scheduled.is_fetched(added, 9), _true)
    assert fetcher.requests[requests:] == [9, 10], "and what forms after it"


async def test_a_disabled_series_is_not_fetched(scheduled: Scheduled) -> None:
    fetchers = scheduled.fetchers.fetchers
    fetchers["x"] = RecordedFetcher(dict.fromkeys(range(30), 1))
    fetchers["y"] = RecordedFetcher(dict.fromkeys(range(30), 1))
    disabled, other = await scheduled.add("x"), await scheduled.add("y")
    off = Ingestion(
        id=0,
        instrument=disabled.instrument,
        timeframe=Timeframe.HOUR,
        is_enabled=False,
        start=disabled.start,
    )
    assert (await scheduled.store.ingestions.set(off, CONTEXT)).id == disabled.id
    async with scheduled.running():
        await poll_until(lambda: scheduled.is_fetched(other, 9), _true)
        scheduled.hours += 1
        await poll_until(lambda: scheduled.is_fetched(other, 10), _true)
    assert fetchers["x"].requests == []
    assert await scheduled.stored_hours(disabled) == []


async def test_a_lost_lease_ends_the_task(scheduled: Scheduled) -> None:
    scheduled.fetchers.fetchers["x"] = RecordedFetcher(dict.fromkeys(range(30), 1))
    added = await scheduled.add("x")
    async with scheduled.running() as work:
        await poll_until(lambda: scheduled.is_fetched(added, 9), _true)
        await scheduled.store.task_leases.release_all("a")
        await scheduled.store.task_leases.acquire("b", [INGESTION_TASK], 60)
        scheduled.hours += 1
        await asyncio.wait({work}, timeout=10)
        assert isinstance(work.exception(), LeaseLost)
    assert await scheduled.is_fetched(added, 9), "the result is stored under the lease alone"


async def test_a_lost_lease_and_a_lost_database_are_no_failures_of_the_exchange(
    scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled.fetchers.fetchers["x"] = RecordedFetcher(dict.fromkeys(range(30), 1))
    added = await scheduled.add("x")
    clock = cast(Clock, SimpleNamespace(now=scheduled.now))
    ingest = IngestCandles(fetchers=scheduled.fetchers, store=scheduled.store.candles, clock=clock)

    def lose() -> None:
        raise LeaseLost("lost")

    with pytest.raises(LeaseLost):
        await ingest(added, lose)

    async def fail(*_: object) -> None:
        raise Unavailable("no database")

    monkeypatch.setattr(scheduled.store.candles, "upsert", fail)
    with pytest.raises(Unavailable):
        scheduled.fetchers.fetchers["y"] = scheduled.fetchers.fetchers["x"]
        await ingest(await scheduled.add("y"), lambda: None)
