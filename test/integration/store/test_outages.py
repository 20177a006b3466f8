"""Behaviour of a store when its database does not respond, and afterwards."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pymysql
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.store_rows import a_command, a_fill, a_lease, an_account, an_order, enqueue
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.connection.engine import IDLE_WRITE_SECONDS_MAX
from oms.adapters.sql.maintenance.migration_runner import upgrade
from oms.adapters.sql.store import SqlStore
from oms.domain.errors import Unavailable
from oms.ports.command_queue import Submission
from oms.ports.history_reads import HistoryQuery
from oms.ports.ledger_store import AccountBatch


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateMariaDB]:
    """Yield a server of this module that tests may stop and kill."""
    with PrivateMariaDB() as private:
        yield private


@pytest.fixture(params=["aiomysql", "asyncmy"])
async def url(request: pytest.FixtureRequest, server: PrivateMariaDB) -> str:
    """Return a new database of the server, with either driver."""
    server.start()
    server.drop_database("outage")
    server.create_database("outage")
    dsn = server.dsn("outage", request.param)
    await upgrade(dsn)
    return dsn


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """Yield a store on the database."""
    opened = await SqlStore.open(url, check_account)
    yield opened
    await opened.close()


async def test_restarted_server_is_reconnected_without_an_error(
    store: SqlStore, server: PrivateMariaDB
) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await asyncio.gather(*(store.queue.depths() for _ in range(10)))
    await enqueue(store, [a_command(1, account_id)])

    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)

    assert await store.queue.depths() == {account_id: 1}
    await enqueue(store, [a_command(2, account_id)])
    assert not await store.ledger.commit([a_fill(lease, 1, 1)])
    assert await store.queue.depths() == {account_id: 1}


async def test_stopped_server_is_unavailable_immediately(
    store: SqlStore, server: PrivateMariaDB
) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await asyncio.to_thread(server.kill)

    began = time.monotonic()
    for call in (
        store.ping,
        lambda: store.queue.enqueue([Submission(commands=(a_command(1, account_id),))]),
        lambda: store.queue.take([account_id], 10),
        lambda: store.ledger.commit([a_fill(lease, 1, 1)]),
        lambda: store.ledger.load(lease),
        lambda: store.leases.renew("w1", [lease], 5),
        lambda: store.history.orders(HistoryQuery(account_ids=(account_id,))),
        lambda: store.history.snapshot(account_id, 10),
        lambda: store.ids.ensure("order", 100_000),
        lambda: store.registry.user("ann"),
        store.schema_version,
    ):
        with pytest.raises(Unavailable) as error:
            await call()  # type: ignore[operator]
        assert error.value.code == "database_unavailable"
    assert time.monotonic() - began < 5


async def test_opening_an_unreachable_server_fails(server: PrivateMariaDB, url: str) -> None:
    await asyncio.to_thread(server.kill)
    with pytest.raises(Unavailable):
        await SqlStore.open(url, check_account)
    with pytest.raises(Unavailable):
        await upgrade(url)


async def test_connection_killed_inside_a_transaction_is_replaced(
    store: SqlStore, server: PrivateMariaDB
) -> None:
    """The server kills the writer while it waits for a lock, before anything is written."""
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id)])
    with server.connect("outage") as blocker:
        blocker.autocommit(False)
        cursor = blocker.cursor()
        cursor.execute("SELECT * FROM account_streams WHERE account_id > 0 FOR UPDATE")
        writing = asyncio.create_task(store.ledger.commit([a_fill(lease, 1, 1)]))
        await _until_waiting(server)
        with server.connect() as operator:
            killer = operator.cursor()
            killer.execute(
                "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx"
                " WHERE trx_state = 'LOCK WAIT'"
            )
            for (thread,) in killer.fetchall():
                killer.execute(f"KILL {thread}")
        blocker.rollback()
    assert not await writing
    assert await store.ledger.order(account_id, 1) == an_order(1, account_id)
    assert await store.history.heads([account_id]) == {account_id: 1}


async def test_deadlock_is_retried(store: SqlStore, server: PrivateMariaDB) -> None:
    """Another transaction locks the same two rows in reverse order; one must be rolled back."""
    ids = [await an_account(store) for _ in range(2)]
    leases = [await a_lease(store, account_id) for account_id in ids]
    await enqueue(store, [a_command(n, account_id) for n, account_id in enumerate(ids, start=1)])
    with server.connect("outage") as blocker:
        blocker.autocommit(False)
        cursor = blocker.cursor()
        take = "SELECT * FROM account_streams WHERE account_id = %s FOR UPDATE"
        # The server rolls back the smaller transaction, which must be the store's.
        cursor.execute("UPDATE account_leases SET owner = 'x'")
        cursor.execute(take, (ids[1],))
        writing = asyncio.create_task(
            store.ledger.commit([a_fill(lease, n, 1) for n, lease in enumerate(leases, start=1)])
        )
        await _until_waiting(server)
        await asyncio.to_thread(cursor.execute, take, (ids[0],))
        blocker.rollback()
    assert not await writing
    assert await store.history.heads(ids) == dict.fromkeys(ids, 1)


async def test_server_ends_an_idle_write_transaction(store: SqlStore, url: str) -> None:
    """Like a stopped worker: it has written and sends no further statement."""
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id)])
    sleeper = await SqlStore.open(url, check_account)
    connection = await greenlet_spawn(sleeper._database.write_engine.raw_connection)
    driver = connection.driver_connection
    async with driver.cursor() as cursor:  # type: ignore[union-attr]
        await cursor.execute("UPDATE account_streams SET head_seq = 7")

    began = time.monotonic()
    assert not await store.ledger.commit([a_fill(lease, 1, 1)])

    assert time.monotonic() - began < IDLE_WRITE_SECONDS_MAX + 2
    assert await store.history.heads([account_id]) == {account_id: 1}
    connection.invalidate()
    await sleeper.close()


async def test_session_settings_override_server_defaults(store: SqlStore) -> None:
    names = "@@tx_isolation, @@time_zone, @@character_set_client, @@idle_write_transaction_timeout"
    for engine in (store._database.write_engine, store._database.read_engine):
        async with AsyncEngine(engine).connect() as connection:
            found = (await connection.exec_driver_sql(f"SELECT {names}, @@autocommit")).one()
        assert tuple(found[:4]) == ("READ-COMMITTED", "+00:00", "utf8mb4", 3)
        assert bool(found[4]) is (engine is store._database.read_engine)


async def test_locked_file_is_unavailable_after_a_short_wait(tmp_path: Path) -> None:
    path = tmp_path / "oms.sqlite3"
    url = f"sqlite+aiosqlite:///{path}"
    await upgrade(url)
    store = await SqlStore.open(url, check_account)
    account_id = await an_account(store)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")

    began = time.monotonic()
    with pytest.raises(Unavailable) as error:
        await enqueue(store, [a_command(1, account_id)])
    waited = time.monotonic() - began
    # Reads are not affected.
    assert await store.queue.depths() == {}
    blocker.execute("ROLLBACK")
    await enqueue(store, [a_command(1, account_id)])

    assert error.value.code == "database_unavailable"
    assert 1 < waited < 4
    assert await store.queue.depths() == {account_id: 1}
    blocker.close()
    await store.close()


async def test_sqlite_is_durable_and_checks_foreign_keys(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    await upgrade(url)
    store = await SqlStore.open(url, check_account)
    for engine in (store._database.write_engine, store._database.read_engine):
        async with AsyncEngine(engine).connect() as connection:
            found = [
                (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
        assert found == ["wal", 2, 1, 2000]
    await store.close()


async def test_missing_folder_is_unavailable(tmp_path: Path) -> None:
    threads = set(threading.enumerate())
    with pytest.raises(Unavailable):
        await SqlStore.open(f"sqlite+aiosqlite:///{tmp_path / 'no' / 'oms.sqlite3'}", check_account)
    # The driver's thread ends with a call into this loop, which must still be open.
    async with asyncio.timeout(5):
        for thread in set(threading.enumerate()) - threads:
            await asyncio.to_thread(thread.join)


async def test_cancelled_commit_leaves_a_usable_store(store: SqlStore) -> None:
    """Cancelled at any point: written completely or not at all, and the store stays usable."""
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    head = 0
    for number in range(1, 25):
        writing = asyncio.create_task(
            store.ledger.commit(
                [
                    AccountBatch(
                        lease=lease,
                        head_before=head,
                        head_after=head + 1,
                        orders_new=(an_order(number, account_id),),
                    )
                ]
            )
        )
        await asyncio.sleep(number * 0.0001)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        # A COMMIT in progress may end after any read, but not after a change of the lease.
        await store.leases.release("w1", [lease])
        lease = await a_lease(store, account_id)
        after = (await store.history.heads([account_id]))[account_id]
        written = await store.ledger.order(account_id, number)
        assert (written is not None) is (after == head + 1)
        head = after


async def _until_waiting(server: PrivateMariaDB) -> None:
    """Return when a transaction of the server waits for a lock."""
    with server.connect() as operator:
        cursor: pymysql.cursors.Cursor = operator.cursor()
        async with asyncio.timeout(5):
            while True:
                cursor.execute(
                    "SELECT COUNT(*) FROM information_schema.innodb_trx"
                    " WHERE trx_state = 'LOCK WAIT'"
                )
                if cursor.fetchone()[0]:  # type: ignore[index]
                    return
                # InnoDB refreshes this view at most every 0.1 s.
                await asyncio.sleep(0.15)
