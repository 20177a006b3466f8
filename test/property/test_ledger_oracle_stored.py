"""The stored ledger against the oracle, over random histories with commits and restarts.

``ORACLE_HISTORIES`` sets the number of histories on SQLite; each number is the seed of one. On
MariaDB every fiftieth of them runs. After each commit the deals, the positions and the exchange
hold the same quantity; at the end the rows are those of the oracle and of their own replay.
"""

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.ledger.histories import History, shrink_history
from kit.ledger.memory_store import MemoryStore
from kit.ledger.stored_run import StoredRun, compare_stored, random_stored_history
from kit.loop_runner import LoopRunner
from kit.run_size import count_examples
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.value import evolve
from oms.services.ledger.record import Changes

HISTORIES = int(os.environ.get("ORACLE_HISTORIES") or count_examples(500))
CHUNKS = 10
MARIADB_PART = 50
MEMORY_PART = 5
#: A fee before its trade, which replaces an equal inferred one of a closed position; an execution
#: that belongs after the close of the ticket that its inferred one entered.
FORMER_FAULTS = (521019767, 5745)


#: Returns the store of the next history.
AnyStore = Callable[[], SqlStore | MemoryStore]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all histories."""
    with LoopRunner() as runner:
        yield runner


@pytest.fixture(scope="module")
def sqlite(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """A store of all histories in one SQLite file."""
    dsn = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('oracle') / 'oms.sqlite3'}"
    yield from _store(runner, dsn)


@pytest.fixture(scope="module")
def mariadb_store(runner: asyncio.Runner, mariadb: PrivateMariaDB) -> Iterator[SqlStore]:
    """A store of all histories in one MariaDB database."""
    name = f"oracle_{uuid.uuid4().hex[:12]}"
    mariadb.create_database(name)
    yield from _store(runner, mariadb.dsn(name, "asyncmy"))
    mariadb.drop_database(name)


def _store(runner: asyncio.Runner, dsn: str) -> Iterator[SqlStore]:
    runner.run(create_schema(dsn))
    store = runner.run(SqlStore.open(dsn, check_account))
    yield store
    runner.run(store.close())


def _check(runner: asyncio.Runner, store: AnyStore, seed: int) -> None:
    def compare(history: History) -> tuple[list[str], list[str]]:
        return compare_stored(runner, store(), history)

    history = random_stored_history(seed)
    if compare(history)[0]:
        least = shrink_history(history, lambda one: bool(compare(one)[0]))
        differ, log = compare(least)
        head = f"history {seed}, shrunk: {least.mode} {least.instrument.kind}"
        raise AssertionError("\n".join([head, *log, *differ]))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_stored_ledger_agrees_with_the_oracle(
    runner: asyncio.Runner, sqlite: SqlStore, chunk: int
) -> None:
    for seed in range(chunk, HISTORIES, CHUNKS):
        _check(runner, lambda: sqlite, seed)


def test_the_ledger_in_mariadb_agrees_with_the_oracle(
    runner: asyncio.Runner, mariadb_store: SqlStore
) -> None:
    for seed in range(0, HISTORIES, MARIADB_PART):
        _check(runner, lambda: mariadb_store, seed)


def test_the_ledger_in_memory_agrees_with_the_oracle(runner: asyncio.Runner) -> None:
    """The rows in memory that other tests use behave as those of a database."""
    for seed in (*range(0, HISTORIES, MEMORY_PART), *FORMER_FAULTS):
        _check(runner, MemoryStore, seed)


def test_a_difference_is_found(runner: asyncio.Runner, sqlite: SqlStore) -> None:
    """A wrong profit, quantity or cost that is stored is reported."""
    found = 0
    for seed in range(20):
        history = random_stored_history(seed)
        run = StoredRun(runner, sqlite, history)
        assert run.play(history.steps) == []
        positions = [one for one in run.book.positions.values() if one.qty_opened]
        for field in ("profit", "qty", "cost"):
            for position in positions[:1]:
                wrong = evolve(position, **{field: getattr(position, field) + 1})
                account, ids = run.book.account, {position.id}
                account.record.stage(
                    account.state, LedgerUpdate(positions=(wrong,)), Changes(), ids
                )
                assert run.differences(), (seed, field)
                found += 1
    assert found
