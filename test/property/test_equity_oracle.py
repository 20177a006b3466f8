"""Equity is cash and marks, to the last digit, at each snapshot of random histories.

Each number below ``HISTORIES`` is the seed of one history: of spot, linear and inverse markets, in
each position mode, with fees in several currencies, funding, busts, merges and reassignments. The
oracle shares no code with the valuation.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.databases.created import created_database
from kit.ledger.equity_run import SnapshotChecks, check_history
from kit.ledger.histories import random_history
from kit.ledger.history_run import HistoryRun
from kit.ledger.stored_history import store_history
from kit.run_size import count_examples
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.domain.value import evolve
from oms.ports.performance.account_money import StoredMoney

HISTORIES = int(os.environ.get("ORACLE_HISTORIES") or count_examples(500))
#: Every so many of them are stored, too.
STORED_PART = 50


def test_equity_is_cash_and_marks_at_each_snapshot() -> None:
    taken = asyncio.run(_check_histories())
    assert taken > 10 * HISTORIES


async def _check_histories() -> int:
    taken = 0
    for seed in range(HISTORIES):
        differ, count = await check_history(random_history(seed), seed)
        assert not differ, "\n".join([f"history {seed}", *differ])
        taken += count
    return taken


@pytest.fixture(params=["sqlite", "mariadb"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind with the schema."""
    yield from created_database(request, tmp_path, driver="asyncmy")


def test_equity_of_stored_rows_is_cash_and_marks(dsn: str) -> None:
    asyncio.run(_check_stored(dsn))


async def _check_stored(dsn: str) -> None:
    store = await SqlStore.open(dsn, check_account)
    try:
        for seed in range(0, HISTORIES, STORED_PART):
            history = random_history(seed)._replace(allows_impossible=False)
            account_id, run = await store_history(store, history)

            async def read_money(account_id: int = account_id) -> StoredMoney:
                return (await store.account_money([account_id]))[account_id]

            checks = SnapshotChecks(run, seed, read_money, account_id)
            assert await checks.differences() == [], f"history {seed}"
    finally:
        await store.close()


def test_a_difference_is_found() -> None:
    assert asyncio.run(_find_differences())


async def _find_differences() -> int:
    """Positions that are wrong in one field give another equity."""
    found = 0
    for history in map(random_history, range(20)):
        run = HistoryRun(history.mode, history.instrument)
        run.play(history.steps)
        checks = SnapshotChecks(run, 1)
        assert await checks.differences() == []
        for position in run.book.open_positions():
            run.book.positions[position.id] = evolve(position, cost=position.cost + 1)
            assert await checks.differences()
            run.book.positions[position.id] = position
            found += 1
    return found
