"""Any sequence of calls: every database and driver behaves like a model of plain dictionaries.

Hypothesis generates the calls; small pools of names make them collide: duplicate request ids and
keys, stale tokens and heads, used exchange ids, pages of rows that changed meanwhile. After each
call all rows are read back and compared. The examples are the same in every run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from kit.databases.sql import execute
from kit.databases.store_model import ANY_TIME, StoreModel
from kit.databases.store_model_reads import ModelReads
from kit.databases.store_rows import NOON, an_account, seconds_after
from kit.generators import store_calls as calls
from kit.loop_runner import LoopRunner
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.adapters.sql.tables import METADATA
from oms.domain.errors import OmsError
from oms.domain.value import evolve
from oms.ports.command_queue import CommandRow
from oms.ports.history_reads import HistoryQuery, LedgerSnapshot, Page, StoredEventRow
from oms.ports.leases import Lease
from oms.ports.ledger_store import LoadedAccount

ACCOUNTS = 3
STEPS = 30
#: Kinds not named are other ways to send the same.
EXAMPLES = {"sqlite": 60, "mariadb-aiomysql": 30, "mariadb-asyncmy": 30}
EXAMPLES_OF_OTHERS = 10
LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
EMPTIED = (
    *("oms_commands", "oms_orders", "oms_deals", "oms_positions", "event_outbox"),
    *("paper_state", "paper_orders", "paper_trades", "paper_prices"),
    *("idempotency_keys", "workers"),
)

OWNERS = st.sampled_from(["w1", "w2"])
SOME_ACCOUNTS = st.lists(st.integers(0, ACCOUNTS), min_size=1, max_size=ACCOUNTS + 1, unique=True)
ONE_ACCOUNT = st.integers(0, ACCOUNTS - 1)
IDS = st.lists(st.integers(1, 12), max_size=4, unique=True)
WORKERS = st.sampled_from(["w1", "W1", "w2"])
LEASE_CALLS = st.sampled_from(["renew", "release", "disown", "run out"])
LIMITS = st.sampled_from([1, 2, 3, 100])


class StoreMachine(RuleBasedStateMachine):
    """One store and its model, called alike."""

    def __init__(self, runner: asyncio.Runner, store: SqlStore, url: str, ids: list[int]) -> None:
        super().__init__()
        self._run = runner.run
        self.store, self.url = store, url
        #: The accounts, and at the end one that does not exist.
        self.account_ids = ids
        self.known = calls.CallBuilder(ids[:ACCOUNTS])
        self.is_written = True

    @initialize()
    def emptied(self) -> None:
        missing = set(EMPTIED) - set(METADATA.tables)
        assert not missing
        execute(
            self.url,
            *(f"DELETE FROM {name}" for name in EMPTIED),
            "UPDATE account_streams SET head_seq = 0, lease_token = 0",
            "UPDATE account_leases SET owner = '', token = 0, expires_at = '1970-01-01 00:00:00'",
        )
        self.model = StoreModel(self.account_ids[:ACCOUNTS])
        self.reads = ModelReads(self.model)

    @rule(drawn=calls.SUBMISSIONS)
    def enqueue(self, drawn: Sequence[calls.DrawnSubmission]) -> None:
        self.is_written = True
        submissions = self.known.submissions(drawn)
        self._same(
            lambda: self.store.queue.enqueue(submissions),
            lambda: self.model.enqueue(submissions, NOON),
        )

    @rule(accounts=SOME_ACCOUNTS, limit=LIMITS, exclude_ids=IDS)
    def take(self, accounts: list[int], limit: int, exclude_ids: list[int]) -> None:
        ids = self._ids(accounts)
        self._same(
            lambda: self.store.queue.take(ids, limit, exclude_ids),
            lambda: self.model.take(ids, limit, exclude_ids),
        )

    @rule(owner=OWNERS, accounts=SOME_ACCOUNTS, housekeeping=st.booleans(), is_long=st.booleans())
    def acquire(self, owner: str, accounts: list[int], housekeeping: bool, is_long: bool) -> None:
        self.is_written = True
        ids = self._ids(accounts) + [0] * housekeeping
        self._same(
            lambda: self.store.leases.acquire(owner, ids, 600 if is_long else 0),
            lambda: self.model.acquire(owner, ids, is_lasting=is_long),
        )

    @rule(owner=OWNERS, accounts=SOME_ACCOUNTS, age=st.integers(0, 1), what=LEASE_CALLS)
    def hold_or_let_go(self, owner: str, accounts: list[int], age: int, what: str) -> None:
        self.is_written = True
        leases, ours, theirs = self._leases(accounts, age), self.store.leases, self.model
        if what == "renew":
            self._same(
                lambda: ours.renew(owner, leases, 600),
                lambda: theirs.renew(owner, leases, is_lasting=True),
            )
        elif what == "release":
            self._same(lambda: ours.release(owner, leases), lambda: theirs.release(owner, leases))
        elif what == "disown":
            self._same(lambda: ours.release_all(owner), lambda: theirs.release_all(owner))
        else:
            mine = self._leases(accounts, 0)[:1]
            owner = next((theirs.leases[each.account_id].owner for each in mine), owner)
            self._same(
                lambda: ours.renew(owner, mine, 0),
                lambda: theirs.renew(owner, mine, is_lasting=False),
            )

    @rule(worker=WORKERS, host=st.sampled_from([None, "a", "b"]))
    def workers(self, worker: str, host: str | None) -> None:
        if host is None:
            self.model.workers.pop(worker, None)
            self._run(self.store.leases.forget_worker(worker))
            return
        self.model.workers[worker] = (host, f'{{"on":"{host}"}}')
        self._run(self.store.leases.heartbeat(worker, *self.model.workers[worker]))

    @rule(writings=calls.BATCHES)
    def commit(self, writings: Sequence[calls.DrawnBatch]) -> None:
        self._committed(writings)

    @rule(writings=calls.BATCHES)
    def commit_as_often_again(self, writings: Sequence[calls.DrawnBatch]) -> None:
        self._committed(writings)

    def _committed(self, writings: Sequence[calls.DrawnBatch]) -> None:
        self.is_written = True
        batches = self.known.batches(self.model, writings)
        self._same(
            lambda: self.store.ledger.commit(batches),
            lambda: self.model.commit(batches),
        )

    @rule(events_too=st.booleans(), seconds=st.integers(0, 4))
    def forget(self, events_too: bool, seconds: int) -> None:
        self.is_written = True
        now, before = (
            seconds_after(seconds * 20),
            FAR_AHEAD if events_too else seconds_after(seconds),
        )
        self._same(
            lambda: self.store.ledger.trim(before, 1000),
            lambda: self.reads.trim(before, events_too=events_too, limit=1000),
        )
        self._same(
            lambda: self.store.queue.drop_expired_keys(now),
            lambda: self.model.drop_expired_keys(now),
        )

    @rule(accounts=SOME_ACCOUNTS, window=calls.WINDOWS)
    def pages(self, accounts: list[int], window: HistoryQuery) -> None:
        query = evolve(window, account_ids=self._ids(accounts))
        ours, theirs = self.store.history, self.reads
        self._same(lambda: ours.orders(query), lambda: theirs.orders(query))
        self._same(lambda: ours.positions(query), lambda: theirs.positions(query))
        self._same(lambda: ours.deals(query), lambda: theirs.deals(query))
        self._same(lambda: ours.commands(query), lambda: theirs.commands(query))

    @rule(accounts=SOME_ACCOUNTS, window=calls.WINDOWS, limit=LIMITS, age=st.integers(0, 1))
    def open_rows(self, accounts: list[int], window: HistoryQuery, limit: int, age: int) -> None:
        query = evolve(window, account_ids=self._ids(accounts))
        one, ours, theirs = query.account_ids[0], self.store.history, self.reads
        self._same(lambda: ours.open_orders(query, limit), lambda: theirs.open_orders(query, limit))
        self._same(
            lambda: ours.open_positions(query, limit), lambda: theirs.open_positions(query, limit)
        )
        self._same(lambda: ours.snapshot(one, limit), lambda: theirs.snapshot(one, limit))
        busy = query.account_ids
        self._same(
            lambda: self.store.ledger.accounts_with_open_orders(busy),
            lambda: theirs.accounts_with_open_orders(busy),
        )
        self._same(
            lambda: self.store.ledger.accounts_with_positions(busy),
            lambda: theirs.accounts_with_positions(busy),
        )
        for lease in self._leases(accounts, age):
            self._load(lease)

    @rule(ids=IDS)
    def rows_by_id(self, ids: list[int]) -> None:
        ours, theirs, books = self.store.history, self.reads, self.model.books
        self._same(lambda: ours.orders_by_id(ids), lambda: theirs.by_id(books.orders, ids))
        self._same(lambda: ours.positions_by_id(ids), lambda: theirs.by_id(books.positions, ids))
        self._same(lambda: ours.deals_by_id(ids), lambda: theirs.by_id(books.deals, ids))
        self._same(lambda: ours.deals_by_order(ids), lambda: theirs.deals_where("order_id", ids))
        self._same(
            lambda: self.store.verification_reads.deals_of_positions(ids),
            lambda: theirs.deals_where("position_id", ids),
        )
        self._same(lambda: ours.account_of("order", ids), lambda: theirs.account_of("order", ids))
        self._same(
            lambda: ours.account_of("position", ids), lambda: theirs.account_of("position", ids)
        )

    @rule(account=ONE_ACCOUNT, number=st.integers(1, 8), symbol=st.sampled_from(calls.SYMBOLS))
    def rows_by_name(self, account: int, number: int, symbol: str) -> None:
        ours, theirs, one = self.store.ledger, self.reads, self.account_ids[account]
        self._same(lambda: ours.order(one, number), lambda: theirs.order(one, number))
        self._same(lambda: ours.position(one, number), lambda: theirs.position(one, number))
        self._same(
            lambda: ours.deals_of(one, symbol, calls.TRADE_IDS),
            lambda: theirs.deals_of(one, symbol, calls.TRADE_IDS),
        )
        names = [(one, name) for name in calls.CLIENT_IDS]
        self._same(
            lambda: ours.orders_by_client_id(names), lambda: theirs.orders_by_client_id(names)
        )
        self._same(
            lambda: self.store.verification_reads.commands_with_several_orders(one),
            lambda: theirs.several_orders(one),
        )

    @rule(accounts=SOME_ACCOUNTS, after=st.integers(0, 6), limit=LIMITS, number=st.integers(1, 20))
    def stream(self, accounts: list[int], after: int, limit: int, number: int) -> None:
        ids, ours, theirs = self._ids(accounts), self.store.history, self.reads
        behind = dict.fromkeys(ids, after)
        self._same(lambda: ours.events(behind, limit), lambda: theirs.events(behind, limit))
        self._same(lambda: ours.oldest(ids), lambda: theirs.oldest(ids))
        self._same(
            lambda: ours.locate_event(number),
            lambda: theirs.locate_event(number),
            seen=lambda place: None if place is None else place[:2],
        )
        self._same(lambda: self.store.leases.free(limit), lambda: self.model.free(limit))
        self._same(lambda: ours.event_seqs_before(ids, LONG_AGO), lambda: dict.fromkeys(ids, 0))

    @invariant()
    def all_rows_are_the_same(self) -> None:
        if not self.is_written:
            return
        self.is_written = False
        ids, books = self.account_ids, self.model.books
        everything = HistoryQuery(account_ids=ids, page_size=10_000)
        ours, theirs = self.store.history, self.reads
        self._same(lambda: ours.orders(everything), lambda: theirs.orders(everything))
        self._same(lambda: ours.positions(everything), lambda: theirs.positions(everything))
        self._same(lambda: ours.deals(everything), lambda: theirs.deals(everything))
        self._same(lambda: self.store.queue.find(range(1, 100)), lambda: books.commands)
        self._same(lambda: self.store.queue.depths(), self.model.depths)
        self._same(lambda: self.store.leases.counts(), self.model.counts)
        self._same(lambda: ours.heads(ids), lambda: theirs.heads(ids))
        behind = dict.fromkeys(ids, 0)
        self._same(lambda: ours.events(behind, 1000), lambda: theirs.events(behind, 1000))

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        for one in self.account_ids:
            self._memory(one)
        rows = self._run(self.store.leases.workers(600))
        assert {row.worker_id: (row.host, row.status) for row in rows} == self.model.workers

    def _ids(self, accounts: Sequence[int]) -> list[int]:
        return [self.account_ids[index] for index in accounts]

    def _load(self, lease: Lease) -> None:
        self._same(lambda: self.store.ledger.load(lease), lambda: self.reads.load(lease))

    def _memory(self, account_id: int) -> None:
        self._same(
            lambda: self.store.verification_reads.paper_exchange_state(account_id),
            lambda: self.reads.paper_exchange_state(account_id),
        )

    def _leases(self, accounts: Sequence[int], age: int) -> list[Lease]:
        """Return the current leases, or those before the last takeover."""
        ids = [each for each in self._ids(accounts) if each in self.model.leases]
        return [
            Lease(account_id=each, token=max(0, self.model.leases[each].token - age))
            for each in ids
        ]

    def _same(
        self,
        ours: Callable[[], Awaitable[object]],
        theirs: Callable[[], object],
        seen: Callable[[Any], object] = lambda result: result,
    ) -> None:
        async def query() -> object:
            return await ours()

        assert _outcome(lambda: seen(self._run(query()))) == _outcome(theirs)


def _outcome(ask: Callable[[], object]) -> object:
    """Return the result or the raised error, whose message may differ."""
    try:
        return _plain(ask())
    except OmsError as error:
        return type(error).__name__, error.code, error.reason


def _plain(result: object) -> object:
    """Return the result without sequence types and current times, which differ."""
    match result:
        case Page():
            return _plain(result.items), result.total, result.next_after_id
        case LedgerSnapshot():
            return result.seq, _plain(result.orders), _plain(result.positions)
        case LoadedAccount():
            rows = result.orders, result.positions
            return _plain((result.account.id, result.head_seq, *rows, result.exchange_state))
        case StoredEventRow():
            return result.row
        case CommandRow():
            return evolve(result, finished_at=result.finished_at and ANY_TIME)
        case Mapping():
            return {key: _plain(each) for key, each in result.items()}
        case list() | tuple():
            return [_plain(each) for each in result]
    return result


def test_every_database_behaves_like_the_model(place: Any) -> None:
    with LoopRunner() as runner:
        store = runner.run(SqlStore.open(place.url, check_account))
        ids = [runner.run(an_account(store, f"a{number}")) for number in range(ACCOUNTS)]
        try:
            run_state_machine_as_test(
                lambda: StoreMachine(runner, store, place.url, [*ids, ids[-1] + 1000]),
                settings=settings(
                    max_examples=EXAMPLES.get(place.kind, EXAMPLES_OF_OTHERS),
                    stateful_step_count=STEPS,
                    derandomize=True,
                    database=None,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(store.close())
