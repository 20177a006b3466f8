"""Statements that travel abreast: what goes wrong in the middle is told, all answers are heard."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

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
    """One table of a server that repeats."""
    mariadb.drop_database("abreast")
    mariadb.create_database("abreast")
    url = mariadb.dsn("abreast", "asyncmy")
    execute(url, "CREATE TABLE t (id BIGINT PRIMARY KEY, word VARCHAR(20)) ENGINE=InnoDB")
    opened = await connect(url)
    assert opened.dialect.has_bulk_execute
    yield opened
    await opened.close()


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each script that was sent and ended well, whether it travelled abreast."""
    seen: list[bool] = []
    honest = pipeline.execute_pipelined

    async def noted(connection: Any, statements: Sequence[Statement]) -> bool:
        seen.append(await honest(connection, statements))
        return seen[-1]

    monkeypatch.setattr("oms.adapters.sql.connection.session.execute_pipelined", noted)
    return seen


def a_script(database: Database, *statements: tuple[str, Rows, int | None]) -> StatementBatch:
    """A script of rows to be repeated."""
    script = StatementBatch(database.dialect)
    for number, (text, rows, expected_rows) in enumerate(statements):
        script.add(f"s{number}", text, rows, expected_rows)
    return script


async def written(database: Database, *statements: tuple[str, Rows, int | None]) -> None:
    """The statements, as one transaction."""
    script = a_script(database, *statements)

    async def work(session: Session) -> None:
        await session.send(script)

    await database.write(work)


async def served_by(database: Database) -> int:
    """The number of the connection that is lent next."""

    async def work(session: Session) -> int:
        return int((await session.fetch("SELECT CONNECTION_ID()"))[0][0])

    return await database.write(work)


async def words(database: Database) -> dict[int, str | None]:
    return {row[0]: row[1] for row in await database.fetch("SELECT id, word FROM t")}


async def test_all_is_written_in_order(database: Database, ways: list[bool]) -> None:
    new = [(number, "new") for number in range(1, 4)]
    await written(database, (INSERT, new, None), (UPDATE, [("b", 2), ("c", 3)], 2))
    assert await words(database) == {1: "new", 2: "b", 3: "c"}
    assert ways == [True]


async def test_what_came_first_is_told_and_the_connection_serves_on(database: Database) -> None:
    await written(database, (INSERT, [(1, "a")], None))
    before = await served_by(database)

    with pytest.raises(DuplicateKey):
        await written(
            database,
            (INSERT, [(2, "b")], None),
            (INSERT, [(1, "again")], None),
            (UPDATE, [("c", 9)], 1),
            (INSERT, [(3, "c")], None),
        )

    assert await served_by(database) == before, "all is heard, so it may be lent again"
    assert await words(database) == {1: "a"}
    await written(database, (INSERT, [(2, "b")], None), (UPDATE, [("z", 2)], 1))
    assert await words(database) == {1: "a", 2: "z"}


async def test_one_insert_is_written_whole_without_a_commit(
    database: Database, ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Database, "_transaction")
    await database.insert(a_script(database, (INSERT, [(1, "a"), (2, "b"), (3, "c")], None)))
    assert await words(database) == {1: "a", 2: "b", 3: "c"}
    assert ways == [True]


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_of_one_insert_that_meets_a_key_nothing_is_written(
    database: Database, at: int
) -> None:
    await written(database, (INSERT, [(9, "known")], None))
    rows = [(1, "a"), (2, "b")]
    rows.insert(at, (9, "again"))
    with pytest.raises(DuplicateKey):
        await database.insert(a_script(database, (INSERT, rows, None)))
    assert await words(database) == {9: "known"}


async def test_inserts_that_cannot_go_so_are_one_transaction(database: Database) -> None:
    two = (INSERT, [(1, "a")], None), (INSERT, [(2, "b"), (1, "again")], None)
    with pytest.raises(DuplicateKey):
        await database.insert(a_script(database, *two))
    mixed: Rows = [(3, "c"), (4, 4), (3, "again")]
    with pytest.raises(DuplicateKey):
        await database.insert(a_script(database, (INSERT, mixed, None)))
    assert await words(database) == {}


async def test_a_dead_connection_at_hand_leaves_a_single_insert_in_doubt(
    database: Database, mariadb: PrivateMariaDB
) -> None:
    await database.insert(a_script(database, (INSERT, [(7, "prepared")], None)))
    ((number,),) = await database.fetch("SELECT CONNECTION_ID()")
    execute(mariadb.dsn("abreast", "asyncmy"), f"KILL {number}")
    with pytest.raises(CommitOutcomeUnknown):
        await database.insert(a_script(database, (INSERT, [(1, "a")], None)))
    await database.insert(a_script(database, (INSERT, [(1, "a")], None)))
    assert await words(database) == {1: "a", 7: "prepared"}


async def test_a_single_insert_whose_answer_never_came_is_in_doubt(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = pipeline.execute_pipelined

    async def unheard(connection: Any, statements: Sequence[Statement]) -> bool:
        await honest(connection, statements)
        raise TimeoutError(110, "the network gave up")

    monkeypatch.setattr("oms.adapters.sql.connection.session.execute_pipelined", unheard)
    with pytest.raises(CommitOutcomeUnknown):
        await database.insert(a_script(database, (INSERT, [(1, "a")], None)))
    assert await words(database) == {1: "a"}


async def test_a_miss_wins_over_what_came_of_it(database: Database) -> None:
    await written(database, (INSERT, [(1, "a")], None))

    async def work(session: Session) -> Any:
        missing = ((UPDATE, [("x", 7)], 1), (INSERT, [(1, "b")], None))
        with pytest.raises(StaleRowError) as told:
            await session.send(a_script(database, *missing))
        assert told.value.statement.name == "s0"
        return await session.fetch("SELECT COUNT(*) FROM t")

    assert await database.write(work) == ((1,),)


async def test_an_undone_transaction_is_told_as_such(
    database: Database, mariadb: PrivateMariaDB
) -> None:
    """A lock that is not had in time: what follows it in the wire must not look like a miss."""
    await written(database, (INSERT, [(1, "a"), (2, "b")], None))
    with mariadb.connect("abreast") as blocker:
        blocker.autocommit(False)
        blocker.cursor().execute("SELECT * FROM t WHERE id = 1 FOR UPDATE")

        lent = await database.write_engine.raw_connection()
        session = database._session(lent, prepare=True)
        await session.execute("SET innodb_lock_wait_timeout = 0")
        with pytest.raises(database.driver_errors) as told:
            await session.send(a_script(database, (UPDATE, [("x", 1)], 1), (UPDATE, [("y", 7)], 1)))
        await session.rollback()
        lent.invalidate()
        blocker.rollback()
    assert isinstance(translate_error(told.value), RetryableError)
    assert await words(database) == {1: "a", 2: "b"}


@pytest.mark.parametrize("lacking", ["values of one type", "the driver's way"])
async def test_what_cannot_travel_abreast_goes_one_after_the_other(
    database: Database, ways: list[bool], monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    word: Any = "b"
    if lacking == "values of one type":
        word = 5
    else:

        async def none(*_: object) -> None:
            return None

        monkeypatch.setattr(pipeline, "_build_messages", none)
    await written(database, (INSERT, [(1, "a"), (2, word)], None), (UPDATE, [("c", 1)], 1))
    assert await words(database) == {1: "c", 2: str(word)}
    assert ways == [False]


async def test_who_is_killed_in_the_middle_begins_anew(
    database: Database, mariadb: PrivateMariaDB
) -> None:
    await written(database, (INSERT, [(1, "a")], None))
    with mariadb.connect("abreast") as blocker:
        blocker.autocommit(False)
        blocker.cursor().execute("SELECT * FROM t WHERE id = 1 FOR UPDATE")
        writing = asyncio.create_task(
            written(database, (UPDATE, [("x", 1)], 1), (INSERT, [(2, "y")], None))
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
        deadline = time.monotonic() + 5
        while not cursor.execute(waiting):
            assert time.monotonic() < deadline
        for (thread,) in cursor.fetchall():
            cursor.execute(f"KILL {thread}")
