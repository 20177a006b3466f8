"""Frequent queries read a handful of rows, however long the history is."""

import asyncio
import functools
import itertools
import math
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.util import greenlet_spawn

from kit.databases import bulk_history
from kit.databases.bulk_history import FIRST_ACCOUNT, FIRST_ID
from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import execute
from kit.databases.statement_costs import RecordedDatabase, RecordedStatement, measure_cost
from kit.databases.store_rows import NOON, a_command, a_lease, an_account, an_order, enqueue
from kit.machine_load import stretch
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.archive.archived_names import ArchivedNames
from oms.adapters.sql.archive.selection import Selection
from oms.adapters.sql.store import SqlStore
from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.orders.order import OrderState
from oms.domain.value import evolve
from oms.ports.command_queue import IdempotencyKeyRow, Submission
from oms.ports.history_reads import HistoryQuery
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch

#: ``OMS_TEST_HISTORY_ROWS=1000000`` asks for the full length.
HISTORY_ROWS = int(os.environ.get("OMS_TEST_HISTORY_ROWS", "100000"))
ACCOUNTS = 20
PAGE_ROWS = 100
DATED_SECONDS = 400
#: Rows of MariaDB, the merging of pages counted thrice; steps of SQLite.
WORK_MAX = {"mariadb": 500, "sqlite": 10_000}
WORK_PER_PAGE_MAX = {"mariadb": 3 * PAGE_ROWS + 50, "sqlite": 8_000}
#: A sieve for what the counting misses: every round of a slow statement takes longer, while one
#: that is fast waits for a busy machine in some of them only.
SECONDS_MAX = 0.03
ROUNDS_MAX = 15
#: What holds history, by the names that statements give it.
LONG = frozenset((*bulk_history.TABLES, *bulk_history.ARCHIVE_TABLES, "c", "e", "p"))
#: A page of whole rows, or a few hundred rows by their ids.
WORK_PER_ARCHIVED_PAGE_MAX = {"mariadb": 1_600, "sqlite": 40_000}

Ask = Callable[[], Awaitable[object]]


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with a long history."""
    if request.param == "sqlite":
        dsn = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('plans') / 'oms.sqlite3'}"
        asyncio.run(create_schema(dsn))
        _fill(dsn)
        yield dsn
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    name = f"plans_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    dsn = server.dsn(name, "asyncmy")
    asyncio.run(create_schema(dsn))
    _fill(dsn)
    yield dsn
    server.drop_database(name)


def _fill(dsn: str) -> None:
    """A long past; the first account of it is there, the others need not be."""
    tables = (*bulk_history.TABLES, *bulk_history.ARCHIVE_TABLES)
    bulk_history.insert_history(dsn, count=HISTORY_ROWS, accounts=ACCOUNTS, tables=tables)
    execute(
        dsn,
        "INSERT INTO archives (id, file, sha256, status, before_at, rows_json, created_at)"
        " VALUES (1, '', '', 'archived', '2026-01-01', '{}', '2026-01-01')",
    )
    execute(dsn, f"UPDATE id_blocks SET next_id = {FIRST_ACCOUNT} WHERE name = 'account'")

    async def made() -> int:
        store = await SqlStore.open(dsn, check_account)
        account_id = await an_account(store)
        await store.close()
        return account_id

    assert asyncio.run(made()) == FIRST_ACCOUNT


@pytest.fixture
async def database(url: str) -> AsyncIterator[RecordedDatabase]:
    """The database, open."""
    opened = await RecordedDatabase.open(url)
    yield opened
    await opened.close()


@pytest.fixture
def store(database: RecordedDatabase) -> SqlStore:
    """A store on it."""
    return SqlStore(database, check_account)


@pytest.fixture
def asked(database: RecordedDatabase) -> list[RecordedStatement]:
    """Every statement that the store sends."""
    return database.records


@pytest.fixture
async def lease(store: SqlStore) -> Lease:
    """An account with three commands that wait and an open order."""
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    ids = range(account_id * 10 + 1, account_id * 10 + 4)
    await enqueue(store, [a_command(number, account_id) for number in ids])
    open_order = an_order(account_id, account_id, state=OrderState.SUBMITTED)
    batch = AccountBatch(lease=lease, head_before=0, head_after=0, orders_new=(open_order,))
    assert not await store.ledger.commit([batch])
    return lease


async def test_frequent_queries_never_scan_the_history(
    url: str, store: SqlStore, lease: Lease, asked: list[RecordedStatement]
) -> None:
    kind = "sqlite" if url.startswith("sqlite") else "mariadb"
    slow: dict[str, object] = {}
    for name, ask in {**_of_worker(store, lease), **_of_callers(store, lease)}.items():
        await _judge(name, ask, WORK_MAX[kind], url, asked, slow)
    past = await a_lease(store, FIRST_ACCOUNT)
    # It reads a thousand trades of the paper exchange, as many as there are.
    loading = {"load of one with a past": (lambda: store.ledger.load(past), 3)}
    for name, (ask, accounts) in {**loading, **_pages(store, lease)}.items():
        work_max = WORK_MAX[kind] + WORK_PER_PAGE_MAX[kind] * accounts
        await _judge(name, ask, work_max, url, asked, slow)
    assert slow == {}


async def test_choosing_what_is_archived_reads_pages(
    url: str, store: SqlStore, lease: Lease
) -> None:
    kind = "sqlite" if url.startswith("sqlite") else "mariadb"
    sent: dict[str, RecordedStatement] = {}
    engine = store._database.read_engine

    @event.listens_for(engine, "before_cursor_execute")
    def record(_c: Any, _cursor: Any, text: str, values: Any, _context: Any, _many: Any) -> None:
        sent[text] = RecordedStatement(text, tuple(values))

    def choose() -> int:
        with engine.connect() as connection:
            selection = Selection(connection, datetime.now(UTC) - timedelta(hours=1), 10**9)
            return sum(len(group) for group in selection._of_account(FIRST_ACCOUNT))

    chosen = await greenlet_spawn(choose)
    event.remove(engine, "before_cursor_execute", record)
    assert chosen > HISTORY_ROWS // ACCOUNTS
    slow = {
        text: (cost.work, cost.scanned_tables)
        for text, each in sent.items()
        if text.startswith("SELECT")
        and (cost := measure_cost(url, each))
        and (cost.work > WORK_PER_ARCHIVED_PAGE_MAX[kind] or LONG.intersection(cost.scanned_tables))
    }
    assert slow == {}


async def _judge(
    name: str,
    ask: Ask,
    work_max: int,
    url: str,
    asked: list[RecordedStatement],
    slow: dict[str, object],
) -> None:
    asked.clear()
    await ask()
    assert asked, f"{name} asks nothing"
    costs = [measure_cost(url, noted) for noted in asked]
    work = sum(cost.work for cost in costs)
    scanned_tables = LONG.intersection(table for cost in costs for table in cost.scanned_tables)
    seconds = await _seconds(ask)
    is_slow = seconds > SECONDS_MAX and seconds > stretch(SECONDS_MAX)
    if scanned_tables or work > work_max or is_slow:
        slow[name] = (work, round(seconds, 4), scanned_tables)


def _of_worker(store: SqlStore, lease: Lease) -> Mapping[str, Ask]:
    """What a worker asks, some of it many times a second."""
    one = lease.account_id
    accounts = [one, *range(FIRST_ACCOUNT, FIRST_ACCOUNT + ACCOUNTS)]
    done = {one * 10 + 1: CommandResult(status=CommandStatus.DONE)}
    batch = AccountBatch(lease=lease, head_before=0, head_after=0, results=done)
    past, ledger, lately = FIRST_ACCOUNT, store.ledger, datetime.now(UTC) - timedelta(seconds=100)
    trade, order_id = f"T{FIRST_ID + 1}", f"X{FIRST_ID}"
    return {
        "take": lambda: store.queue.take(accounts, 100),
        "take besides": lambda: store.queue.take(accounts, 100, range(1, 200)),
        "depths": store.queue.depths,
        "find": lambda: store.queue.find([1, 2, 3]),
        "busy": lambda: store.ledger.accounts_with_open_orders(accounts),
        "load": lambda: store.ledger.load(lease),
        "commit": lambda: store.ledger.commit([batch]),
        "order": lambda: store.ledger.order(FIRST_ACCOUNT, FIRST_ID),
        "position": lambda: store.ledger.position(FIRST_ACCOUNT, FIRST_ID),
        "client ids": lambda: store.ledger.orders_by_client_id([(one, "C1")]),
        "exchange ids": lambda: ledger.orders_by_exchange_id(past, "BTC/USDT", [order_id]),
        "no such exchange id": lambda: ledger.orders_by_exchange_id(past, "BTC/USDT", ["none"]),
        "newest trade": lambda: ledger.newest_execution_key(past, "BTC/USDT"),
        "first trade": lambda: ledger.newest_execution_key(one, "BTC/USDT"),
        "what to fold again": lambda: ledger.history_since(past, "BTC/USDT", lately),
        "holding": lambda: ledger.accounts_with_positions(accounts),
        "deals by trade": lambda: store.ledger.deals_of(FIRST_ACCOUNT + 1, "BTC/USDT", [trade]),
        "trim": lambda: store.ledger.trim(NOON.replace(year=2000), 100),
        "forget keys": lambda: store.queue.drop_expired_keys(NOON),
        "free leases": lambda: store.leases.free(100),
        "renew": lambda: store.leases.renew("w1", [lease], 60),
        "counts": store.leases.counts,
        "followers": store.leases.credential_followers,
    }


def _of_callers(store: SqlStore, lease: Lease) -> Mapping[str, Ask]:
    """What callers ask through the API."""
    one, other = lease.account_id, FIRST_ACCOUNT
    accounts = [one, *range(FIRST_ACCOUNT, FIRST_ACCOUNT + ACCOUNTS)]
    heads = dict.fromkeys(accounts, HISTORY_ROWS // ACCOUNTS - 1)
    middle = datetime.now(UTC) - timedelta(seconds=HISTORY_ROWS // 2)
    reads = store.history
    window = HistoryQuery(account_ids=accounts, with_total=False)
    keys = [
        IdempotencyKeyRow(scope_hash=f"K{FIRST_ID + n}", fingerprint="", expires_at=NOON)
        for n in (1, 2)
    ]
    known = [Submission(commands=(), key=key) for key in keys]
    again = a_command(1, FIRST_ACCOUNT + 1, request_id=f"R{FIRST_ID + 1}")
    return {
        "known keys": lambda: store.queue.enqueue(known),
        "known request ids": lambda: store.queue.enqueue([Submission(commands=(again,))]),
        "open orders": lambda: reads.open_orders(window, 500),
        "open positions": lambda: reads.open_positions(window, 500),
        "snapshot": lambda: reads.snapshot(one, 500),
        "snapshot of one with a past": lambda: reads.snapshot(other, 500),
        "events": lambda: reads.events(heads, 100),
        "events of one, far behind": lambda: reads.events({other: 5}, 100),
        "heads": lambda: reads.heads(accounts),
        "oldest": lambda: reads.oldest(accounts),
        "place of an event": lambda: reads.locate_event(FIRST_ID + HISTORY_ROWS // 2),
        "numbers before": lambda: reads.event_seqs_before(accounts, middle),
        "deals of orders": lambda: reads.deals_by_order(range(FIRST_ID, FIRST_ID + 20)),
        "orders by id": lambda: reads.orders_by_id(range(FIRST_ID, FIRST_ID + 20)),
        "linked orders": lambda: reads.linked_orders([FIRST_ID, FIRST_ID + 1], 500),
        "orders of a group": lambda: reads.orders(evolve(window, group_id=7)),
        "orders of a signal": lambda: reads.orders(
            evolve(window, account_ids=[other], signal_id=7, with_total=True)
        ),
        "positions by id": lambda: reads.positions_by_id(range(FIRST_ID, FIRST_ID + 20)),
        "deals by id": lambda: reads.deals_by_id(range(FIRST_ID, FIRST_ID + 20)),
        "account of an order": lambda: reads.account_of("order", [FIRST_ID]),
        "archived requests": lambda: ArchivedNames(store._database).commands(other, ["a", "b"]),
        "archived trades": lambda: store.ledger.archived_trades(other, "BTC/USDT", ["a", "b"]),
        "archived ids": lambda: store.verification_reads.archived(
            "deal", range(FIRST_ID, FIRST_ID + 20)
        ),
        "deals of positions": lambda: store.verification_reads.deals_of_positions(
            [FIRST_ID, FIRST_ID + 1]
        ),
    }


def _pages(store: SqlStore, lease: Lease) -> Mapping[str, tuple[Ask, int]]:
    """First and deep pages, forwards and backwards, of every history; of how many accounts."""
    past, middle = FIRST_ACCOUNT, FIRST_ID + HISTORY_ROWS // 2
    reads = store.history
    lists = {
        "orders": reads.orders,
        "deals": reads.deals,
        "positions": reads.positions,
        "commands": reads.commands,
    }
    whose = {
        "a new one": [lease.account_id],
        "one": [past],
        "two": [past, lease.account_id],
        "all": [lease.account_id, *range(past, past + ACCOUNTS)],
    }
    asks: dict[str, tuple[Ask, int]] = {}
    for (name, read), (who, ids), after, descending in itertools.product(
        lists.items(), whose.items(), (0, middle), (False, True)
    ):
        window = HistoryQuery(
            account_ids=ids, after_id=after, descending=descending, page_size=PAGE_ROWS
        )
        way = "backwards" if descending else "forwards"
        ask = functools.partial(read, window)
        asks[f"{name} of {who} from {after} {way}"] = (ask, len(ids))
    lately = HistoryQuery(
        account_ids=[past], since=datetime.now(UTC) - timedelta(seconds=DATED_SECONDS)
    )
    filters: Mapping[str, dict[str, Any]] = {
        "rejected orders": {"status": frozenset({"REJECTED"})},
        "orders for a reason": {"reason": "sl"},
        "orders in a symbol": {"symbol": "BTC/USDT"},
        "orders of a source": {"source_id": 7},
    }
    for name, fields in filters.items():
        window = evolve(lately, page_size=PAGE_ROWS, **fields)
        asks[f"{name}, lately"] = (functools.partial(reads.orders, window), 1)
    asks["executions, lately"] = (lambda: store.executions.of_orders(lately, 1000), 3)
    for (name, read), (who, ids), age in itertools.product(
        lists.items(), whose.items(), (DATED_SECONDS, HISTORY_ROWS // 2)
    ):
        since = datetime.now(UTC) - timedelta(seconds=age)
        until = since + timedelta(seconds=DATED_SECONDS)
        window = HistoryQuery(account_ids=ids, since=since, until=until, page_size=PAGE_ROWS)
        ask = functools.partial(read, window)
        asks[f"{name} of {who}, of {DATED_SECONDS} s {age} s ago"] = (ask, len(ids))
    return asks


async def _seconds(ask: Ask) -> float:
    """The duration of the fastest round; ends with the first one that is fast enough."""
    fastest = math.inf
    for _ in range(ROUNDS_MAX):
        began = time.perf_counter()
        await ask()
        fastest = min(fastest, time.perf_counter() - began)
        if fastest <= SECONDS_MAX:
            break
    return fastest
