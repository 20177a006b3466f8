"""Pipelined statements: errors in the middle are raised and all responses are read."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy.util import greenlet_spawn

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import execute
from oms.adapters.sql.connection import pipeline
from oms.adapters.sql.connection.database import Database, connect
from oms.adapters.sql.connection.errors import (
    CommitOutcomeUnknown,
    DuplicateKey,
    RetryableError,
    translate_error,
)
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StaleRowError, Statement, StatementBatch

INSERT = "INSERT INTO t (id, word) VALUES (%s, %s)"
UPDATE = "UPDATE t SET word = %s WHERE id = %s"
Rows = Sequence[tuple[Any, ...]]


@pytest.fixture
async def database(mariadb: PrivateMariaDB) -> AsyncIterator[Database]:
    """Yield a database with one table on a server with bulk execution."""
    mariadb.drop_database("pipeline")
    mariadb.create_database("pipeline")
    url = mariadb.dsn("pipeline", "asyncmy")
    execute(url, "CREATE TABLE t (id BIGINT PRIMARY KEY, word VARCHAR(20)) ENGINE=InnoDB")
    opened = await connect(url)
    assert opened.dialect.has_bulk_execute
    yield opened
    await opened.close()


@pytest.fixture
def was_pipelined(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return, for each successfully sent batch, whether it was pipelined."""
    seen: list[bool] = []
    original = pipeline.execute_pipelined

    async def recorded(connection: Any, statements: Sequence[Statement]) -> bool:
        seen.append(await original(connection, statements))
        return seen[-1]

    monkeypatch.setattr("oms.adapters.sql.connection.session.execute_pipelined", recorded)
    return seen


def make_batch(database: Database, *statements: tuple[str, Rows, int | None]) -> StatementBatch:
    """Return a batch of bulk statements."""
    batch = StatementBatch(database.dialect)
    for number, (text, rows, expected_rows) in enumerate(statements):
        batch.add(f"s{number}", text, rows, expected_rows)
    return batch


async def write(database: Database, *statements: tuple[str, Rows, int | None]) -> None:
    """Execute the statements as one transaction."""
    batch = make_batch(database, *statements)

    async def work(session: Session) -> None:
        await session.send(batch)

    await database.write(work)


async def served_by(database: Database) -> int:
    """Return the id of the connection that is used next."""

    async def work(session: Session) -> int:
        return int((await session.fetch("SELECT CONNECTION_ID()"))[0][0])

    return await database.write(work)


async def words(database: Database) -> dict[int, str | None]:
    return {row[0]: row[1] for row in await database.fetch("SELECT id, word FROM t")}


async def test_statements_are_executed_in_order(
    database: Database, was_pipelined: list[bool]
) -> None:
    new = [(number, "new") for number in range(1, 4)]
    await write(database, (INSERT, new, None), (UPDATE, [("b", 2), ("c", 3)], 2))
    assert await words(database) == {1: "new", 2: "b", 3: "c"}
    assert was_pipelined == [True]


async def test_first_error_is_raised_and_the_connection_stays_usable(database: Database) -> None:
    await write(database, (INSERT, [(1, "a")], None))
    before = await served_by(database)

    with pytest.raises(DuplicateKey):
        await write(
            database,
            (INSERT, [(2, "b")], None),
            (INSERT, [(1, "again")], None),
            (UPDATE, [("c", 9)], 1),
            (INSERT, [(3, "c")], None),
        )

    assert await served_by(database) == before, "all responses were read, so it may be reused"
    assert await words(database) == {1: "a"}
    await write(database, (INSERT, [(2, "b")], None), (UPDATE, [("z", 2)], 1))
    assert await words(database) == {1: "a", 2: "z"}


async def test_single_insert_is_atomic_without_a_commit(
    database: Database, was_pipelined: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Database, "_transaction")
    await database.insert(make_batch(database, (INSERT, [(1, "a"), (2, "b"), (3, "c")], None)))
    assert await words(database) == {1: "a", 2: "b", 3: "c"}
    assert was_pipelined == [True]


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_single_insert_with_a_duplicate_key_writes_nothing(
    database: Database, at: int
) -> None:
    await write(database, (INSERT, [(9, "known")], None))
    rows = [(1, "a"), (2, "b")]
    rows.insert(at, (9, "again"))
    with pytest.raises(DuplicateKey):
        await database.insert(make_batch(database, (INSERT, rows, None)))
    assert await words(database) == {9: "known"}


async def test_other_inserts_are_one_transaction(database: Database) -> None:
    two = (INSERT, [(1, "a")], None), (INSERT, [(2, "b"), (1, "again")], None)
    with pytest.raises(DuplicateKey):
        await database.insert(make_batch(database, *two))
    mixed: Rows = [(3, "c"), (4, 4), (3, "again")]
    with pytest.raises(DuplicateKey):
        await database.insert(make_batch(database, (INSERT, mixed, None)))
    assert await words(database) == {}


async def test_dead_cached_connection_leaves_a_single_insert_unknown(
    database: Database, mariadb: PrivateMariaDB
) -> None:
    await database.insert(make_batch(database, (INSERT, [(7, "prepared")], None)))
    ((number,),) = await database.fetch("SELECT CONNECTION_ID()")
    execute(mariadb.dsn("pipeline", "asyncmy"), f"KILL {number}")
    with pytest.raises(CommitOutcomeUnknown):
        await database.insert(make_batch(database, (INSERT, [(1, "a")], None)))
    await database.insert(make_batch(database, (INSERT, [(1, "a")], None)))
    assert await words(database) == {1: "a", 7: "prepared"}


async def test_single_insert_without_a_response_is_unknown(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = pipeline.execute_pipelined

    async def without_response(connection: Any, statements: Sequence[Statement]) -> bool:
        await original(connection, statements)
        raise TimeoutError(110, "the network gave up")

    monkeypatch.setattr("oms.adapters.sql.connection.session.execute_pipelined", without_response)
    with pytest.raises(CommitOutcomeUnknown):
        await database.insert(make_batch(database, (INSERT, [(1, "a")], None)))
    assert await words(database) == {1: "a"}


async def test_stale_row_error_wins_over_later_errors(database: Database) -> None:
    await write(database, (INSERT, [(1, "a")], None))

    async def work(session: Session) -> Any:
        missing = ((UPDATE, [("x", 7)], 1), (INSERT, [(1, "b")], None))
        with pytest.raises(StaleRowError) as error:
            await session.send(make_batch(database, *missing))
        assert error.value.statement.name == "s0"
        return await session.fetch("SELECT COUNT(*) FROM t")

    assert await database.write(work) == ((1,),)


async def test_lock_timeout_is_a_retryable_error(
    database: Database, mariadb: PrivateMariaDB
) -> None:
    """After a lock timeout the responses that follow must not look like stale rows."""
    await write(database, (INSERT, [(1, "a"), (2, "b")], None))
    with mariadb.connect("pipeline") as blocker:
        blocker.autocommit(False)
        blocker.cursor().execute("SELECT * FROM t WHERE id = 1 FOR UPDATE")

        connection = await greenlet_spawn(database.write_engine.raw_connection)
        session = database._session(connection, prepare=True)
        await session.execute("SET innodb_lock_wait_timeout = 0")
        with pytest.raises(database.driver_errors) as error:
            await session.send(
                make_batch(database, (UPDATE, [("x", 1)], 1), (UPDATE, [("y", 7)], 1))
            )
        await session.rollback()
        connection.invalidate()
        blocker.rollback()
    assert isinstance(translate_error(error.value), RetryableError)
    assert await words(database) == {1: "a", 2: "b"}


@pytest.mark.parametrize("lacking", ["values of one type", "the driver's way"])
async def test_statements_that_cannot_be_pipelined_are_sent_in_sequence(
    database: Database, was_pipelined: list[bool], monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    word: Any = "b"
    if lacking == "values of one type":
        word = 5
    else:

        async def none(*_: object) -> None:
            return None

        monkeypatch.setattr(pipeline, "_build_messages", none)
    await write(database, (INSERT, [(1, "a"), (2, word)], None), (UPDATE, [("c", 1)], 1))
    assert await words(database) == {1: "c", 2: str(word)}
    assert was_pipelined == [False]


async def test_transaction_of_a_killed_connection_is_repeated(
    database: Database, mariadb: PrivateMariaDB
) -> None:
    await write(database, (INSERT, [(1, "a")], None))
    with mariadb.connect("pipeline") as blocker:
        blocker.autocommit(False)
        blocker.cursor().execute("SELECT * FROM t WHERE id = 1 FOR UPDATE")
        writing = asyncio.create_task(
            write(database, (UPDATE, [("x", 1)], 1), (INSERT, [(2, "y")], None))
        )
        await asyncio.to_thread(_kill_the_waiting, mariadb)
        blocker.rollback()
    await writing
    assert await words(database) == {1: "x", 2: "y"}


def _kill_the_waiting(mariadb: PrivateMariaDB) -> None:
    with mariadb.connect() as operator:
        cursor = operator.cursor()
        waiting = (
            "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx"
            " WHERE trx_state = 'LOCK WAIT'"
        )
        deadline = time.monotonic() + 30
        while not cursor.execute(waiting):
            assert time.monotonic() < deadline
            time.sleep(0.2)  # The server renews this table only if it was not read for 0.1 s.
        for (thread,) in cursor.fetchall():
            cursor.execute(f"KILL {thread}")
