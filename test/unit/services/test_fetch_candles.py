"""Which candles a fetch requests, and what it stores, on a real database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from kit.backtests.recorded_fetcher import HOUR, START, RecordedFetcher
from kit.databases.schema import create_schema
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.ccxt.prices.candle_fetcher import parse_candles
from oms.adapters.sql.store import SqlStore
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.audit_log import AuditContext
from oms.ports.clock import Clock
from oms.ports.market.candle_store import CandleSeries
from oms.services.candles.fetch_candles import EMPTY_PAGES_MAX, CandleFetch, FetchResult


@dataclass
class Fetches:
    """A fetch of one instrument into a database, at a settable time."""

    store: SqlStore
    instrument: MarketInstrument
    now: datetime = START + 1000 * HOUR

    async def run(self, fetcher: RecordedFetcher, first: int, end: int, page: int) -> FetchResult:
        clock = cast(Clock, SimpleNamespace(now=lambda: self.now))
        fetch = CandleFetch(
            fetcher=fetcher, store=self.store.candles, clock=clock, page_candles=page
        )
        bounds = (START + first * HOUR, min(START + end * HOUR, self.now))
        return await fetch(self.instrument, Timeframe.HOUR, *bounds, self._check_progress)

    def _check_progress(self, done: int, total: int) -> None:
        assert 0 <= done <= total

    async def stored(self) -> dict[int, tuple[int, bool]]:
        series = CandleSeries(instrument_id=self.instrument.id, timeframe=Timeframe.HOUR)
        rows = await self.store.candles.newest(
            series, start=None, end=None, limit=5000, include_open=True
        )
        return {
            int((row.candle.open_time - START) / HOUR): (int(row.candle.close), row.is_closed)
            for row in rows
        }


@pytest.fixture
async def fetches(tmp_path: Path) -> AsyncIterator[Fetches]:
    """Return fetches into an empty database."""
    dsn = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    await create_schema(dsn)
    store = await SqlStore.open(dsn, check_account)
    instrument = MarketInstrument(id=0, exchange="x", symbol="A/B", base="A", quote="B")
    context = AuditContext(actor="test", at=START)
    yield Fetches(store, await store.instruments.add(instrument, context))
    await store.close()


async def test_an_open_candle_is_replaced_by_its_final_one(fetches: Fetches) -> None:
    fetches.now = START + 2.5 * HOUR
    await fetches.run(RecordedFetcher({0: 1, 1: 2, 2: 3}), 0, 10, page=10)
    assert await fetches.stored() == {0: (1, True), 1: (2, True), 2: (3, False)}
    fetches.now = START + 3.5 * HOUR
    again = RecordedFetcher({0: 9, 1: 9, 2: 7, 3: 8})
    result = await fetches.run(again, 0, 10, page=10)

    assert again.requests == [2], "closed candles are not requested again"
    assert (result.counts.inserted, result.counts.updated) == (1, 1)
    assert await fetches.stored() == {0: (1, True), 1: (2, True), 2: (7, True), 3: (8, False)}


async def test_a_candle_that_closed_a_moment_ago_is_open(fetches: Fetches) -> None:
    fetches.now = START + HOUR + timedelta(seconds=1)
    await fetches.run(RecordedFetcher({0: 1}), 0, 1, page=10)
    assert await fetches.stored() == {0: (1, False)}
    fetches.now = START + HOUR + timedelta(seconds=2)
    await fetches.run(RecordedFetcher({0: 1}), 0, 1, page=10)
    assert await fetches.stored() == {0: (1, True)}


async def test_nothing_at_or_after_the_end_is_stored(fetches: Fetches) -> None:
    result = await fetches.run(RecordedFetcher(dict.fromkeys(range(50), 1)), 5, 30, page=20)
    assert sorted(await fetches.stored()) == [*range(5, 30)]
    assert (result.fetched, result.counts.inserted, result.has_stopped) == (25, 25, False)


async def test_pages_without_a_candle_end_a_range(fetches: Fetches) -> None:
    fetcher = RecordedFetcher({0: 1, 1: 1})
    result = await fetches.run(fetcher, 0, 500, page=10)
    assert result.has_stopped
    assert fetcher.requests == [0, 2, 12, 22]
    assert len(fetcher.requests) == EMPTY_PAGES_MAX + 1


async def test_distant_gaps_are_requested_apart_and_near_ones_together(fetches: Fetches) -> None:
    missing = {10, 13, 100, 101}
    hours = {hour: 1 for hour in range(200) if hour not in missing}
    await fetches.run(RecordedFetcher(hours), 0, 200, page=50)
    whole = RecordedFetcher(dict.fromkeys(range(200), 1))
    result = await fetches.run(whole, 0, 200, page=50)

    assert whole.requests == [10, 100]
    assert result.counts.inserted == len(missing)
    assert sorted(await fetches.stored()) == [*range(200)]


def test_rows_that_are_no_candle_are_counted() -> None:
    ms = int(START.timestamp() * 1000)
    hour = 3_600_000
    page = parse_candles(
        [
            [ms + hour, "2", "2", "2", "2", "0"],
            [ms, "1.000000000000000000001", "3", "1", "2", None],
            [ms + 2 * hour, "2", "1", "2", "2", "1"],
            [ms + 3 * hour, "2", "2", "2", None, "1"],
            [ms + 4 * hour, "2", "2", "0", "2", "1"],
            [ms + 5 * hour, "NaN", "2", "2", "2", "1"],
            [ms + 6 * hour + 1, "2", "2", "2", "2", "1"],
            [ms + 7 * hour, "2", "2", "2", "2", "-1"],
            [None, "2", "2", "2", "2", "1"],
            [],
        ],
        Timeframe.HOUR,
    )
    assert page.invalid == 8
    assert [each.open_time for each in page.candles] == [START, START + HOUR]
    assert (page.candles[0].open, page.candles[0].volume) == (Decimal(1), None)
