"""Property: sums that commits carry forward are those of all rows, over random histories.

Two processes have the account in turn, so each misses commits of the other; both read the money at
drawn times. ``ORACLE_HISTORIES`` sets the number of histories; each number is the seed of one.
"""

import asyncio
import os
import random
from collections.abc import Iterator, Sequence

import pytest

from kit.databases.schema import create_schema
from kit.ledger.histories import History, Step
from kit.ledger.stored_account import StoredAccount
from kit.ledger.stored_run import StoredRun, random_stored_history
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.performance.account_money import SqlAccountMoney
from oms.adapters.sql.performance.booked_sums import CarriedSums
from oms.adapters.sql.store import SqlStore
from oms.ports.performance.account_money import StoredMoney

HISTORIES = int(os.environ.get("ORACLE_HISTORIES", "500")) // 20

Stores = Sequence[SqlStore]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all histories."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def stores(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Two stores of one SQLite file, as two processes have them."""
    dsn = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('sums') / 'oms.sqlite3'}"
    runner.run(create_schema(dsn))
    both = [runner.run(SqlStore.open(dsn, check_account)) for _ in range(2)]
    yield both
    for store in both:
        runner.run(store.close())


class _SumsRun(StoredRun):
    """Reads the money after steps, and moves the account to the other process at restarts."""

    def __init__(self, runner: asyncio.Runner, stores: Stores, history: History, seed: int) -> None:
        super().__init__(runner, stores[0], history)
        self._runner, self._stores, self._draw = runner, stores, random.Random(seed)
        #: How often the sums were known, so that no row had to be added up.
        self.carried = 0

    def play_step(self, step: Step) -> None:
        """Play a step; compare what the processes read."""
        super().play_step(step)
        for store in self._stores:
            if self._draw.random() < 0.4:
                self._compare(store)

    def _compare(self, store: SqlStore) -> None:
        account_id = self.book.account.lease.account_id
        added_up = SqlAccountMoney(store._database, CarriedSums())
        expected = self._runner.run(added_up([account_id]))[account_id]
        self.carried += store.account_money._carried.at(account_id, expected.seq) is not None
        found = self._runner.run(store.account_money([account_id]))[account_id]
        assert _sums(found) == _sums(expected), self.log

    def _restart(self, *choices: int) -> None:
        before = self.book.account
        self.book.commit()
        store = self._stores[before.store is self._stores[0]]
        moved = StoredAccount(store, before.lease, [*before.exchange.instruments().values()])
        moved.exchange = before.exchange
        self.book.account = moved
        self._runner.run(moved.restart())
        super()._restart(*choices)


def _sums(stored: StoredMoney) -> object:
    results = {each.symbol: each for each in stored.results}
    return stored.seq, results, stored.fees, stored.late_fees


def test_carried_sums_are_those_of_all_rows(runner: asyncio.Runner, stores: Stores) -> None:
    carried = 0
    for seed in range(HISTORIES):
        history = random_stored_history(seed)
        run = _SumsRun(runner, stores, history, seed)
        assert run.play(history.steps) == []
        carried += run.carried
    assert carried > HISTORIES
