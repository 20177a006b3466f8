"""Connections: two pools per database, and transactions that end well or not at all.

``writes`` holds connections with a transaction per use, ``reads`` connections without (each
statement sees what was committed before it). A transaction that the server undid is done once
more, a bounded number of times; one whose COMMIT was not answered is in doubt and never repeated
here: ``InDoubt`` tells whoever knows how to find out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import URL, event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from oms.adapters.sql.dialect import Dialect, dialect_of
from oms.adapters.sql.errors import FAILURES, Again, Duplicate, Lost, translated, unavailable
from oms.domain.errors import Unavailable

CONNECT_SECONDS_MAX = 3
POOL_WAIT_SECONDS_MAX = 5
STATEMENTS_SECONDS_MAX = 12
TRANSACTION_ATTEMPTS_MAX = 5
#: Longer than the idle limit: who waits for a stopped writer outlives it.
LOCK_WAIT_SECONDS_MAX = 5
IDLE_WRITE_SECONDS_MAX = 3
SQLITE_BUSY_MS_MAX = 2000
READ_CONNECTIONS_MAX = 10
WRITE_CONNECTIONS_MAX = 6
PREPARED_PER_CONNECTION_MAX = 100

Answer = TypeVar("Answer")
Work = Callable[[AsyncConnection], Awaitable[Answer]]


class InDoubt(Exception):
    """The connection broke while COMMIT was under way: written or not, nobody said."""


@dataclass(frozen=True, slots=True)
class Database:
    """The pools of one database and the dialect it speaks."""

    dialect: Dialect
    writes: AsyncEngine
    reads: AsyncEngine

    async def read(self, work: Work[Answer]) -> Answer:
        """What ``work`` reads; a connection found broken is replaced once.

        Raises ``Unavailable``.
        """
        for attempt in (1, 2):
            try:
                async with asyncio.timeout(STATEMENTS_SECONDS_MAX), self.reads.connect() as open_:
                    return await work(open_)
            except FAILURES as error:
                failure = translated(error)
                if attempt == 2 or not isinstance(failure, Lost | Again):
                    raise _told(failure, error) from error
        raise AssertionError("two attempts answer or raise")

    async def consistent(self, work: Work[Answer]) -> Answer:
        """Like ``read``, all statements seeing the same moment."""

        async def at_one_moment(connection: AsyncConnection) -> Answer:
            for statement in _BEGIN_CONSISTENT[self.dialect.name]:
                await connection.exec_driver_sql(statement)
            try:
                answer = await work(connection)
                await connection.exec_driver_sql("COMMIT")
            except BaseException:
                await connection.invalidate()  # its transaction must not outlive this use
                raise
            return answer

        return await self.read(at_one_moment)

    async def write(self, work: Work[Answer]) -> Answer:
        """What ``work`` answers, its statements durably committed as one transaction.

        ``work`` may be called more than once. Raises ``Unavailable`` with nothing written,
        ``Duplicate``, or ``InDoubt``.
        """
        for attempt in range(1, TRANSACTION_ATTEMPTS_MAX + 1):
            try:
                return await self._transaction(work)
            except Again as undone:
                if attempt == TRANSACTION_ATTEMPTS_MAX:
                    raise Unavailable("the database is too contended", reason="locks") from undone
            except Lost as broken:
                # An idle connection that the server closed long ago looks the same; all of the
                # pool may be such.
                if attempt >= 2:
                    raise unavailable(broken.__cause__ or broken) from broken
        raise AssertionError("the last attempt answers or raises")

    async def _transaction(self, work: Work[Answer]) -> Answer:
        committing = False
        try:
            async with asyncio.timeout(STATEMENTS_SECONDS_MAX), self.writes.connect() as connection:
                transaction = await connection.begin()
                try:
                    answer = await work(connection)
                except BaseException:
                    if not connection.invalidated:
                        await transaction.rollback()
                    raise
                committing = True
                await transaction.commit()
                return answer
        except FAILURES as error:
            failure = translated(error)
            if committing and not isinstance(failure, Again):
                raise InDoubt from error
            raise failure from error

    async def close(self) -> None:
        """Close all connections."""
        await self.writes.dispose()
        await self.reads.dispose()


async def connected(url: str) -> Database:
    """Pools for ``url``, with one connection made. Raises ``Unavailable``, ``ValueError``."""
    database = open_database(url)

    async def work(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("SELECT 1")

    try:
        await database.read(work)
    except BaseException:
        await database.close()
        raise
    # Known from the first connection on: only this pair speaks the bulk protocol.
    server = database.reads.dialect
    repeats = server.driver == "asyncmy" and bool(getattr(server, "is_mariadb", False))
    return replace(database, dialect=dialect_of(database.dialect.name, repeats=repeats))


def open_database(url: str) -> Database:
    """Pools for ``url``; nothing is connected yet. Raises ``ValueError`` for other databases."""
    parsed = make_url(url)
    if parsed.drivername not in ("mysql+aiomysql", "mysql+asyncmy", "sqlite+aiosqlite"):
        raise ValueError(
            "database_url must begin with mysql+aiomysql, mysql+asyncmy or sqlite+aiosqlite"
        )
    dialect = dialect_of(parsed.get_backend_name(), repeats=False)
    make = _sqlite_engine if dialect.name == "sqlite" else _mysql_engine
    return Database(dialect, make(parsed, False), make(parsed, True))


def _told(failure: Exception, error: BaseException) -> Exception:
    return unavailable(error) if isinstance(failure, Lost | Again | Duplicate) else failure


_BEGIN_CONSISTENT = {
    "mysql": (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    ),
    "sqlite": ("BEGIN",),
}

# The comment is read by MariaDB alone. Who sleeps in a transaction that wrote holds the door for
# everybody: the server ends it.
_MYSQL_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
    f" innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS_MAX}"
    f" /*M!100300 , idle_write_transaction_timeout = {IDLE_WRITE_SECONDS_MAX} */",
)


def _mysql_engine(url: URL, autocommit: bool) -> AsyncEngine:
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS_MAX}
    if url.drivername == "mysql+asyncmy" and not autocommit:
        # Writes say the same few things again and again; reads name ever other lists of ids.
        options["stmt_cache_size"] = PREPARED_PER_CONNECTION_MAX
    engine = create_async_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        connect_args=options,
        pool_size=READ_CONNECTIONS_MAX if autocommit else WRITE_CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS_MAX,
        pool_use_lifo=True,
        **_mode(autocommit),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def settle(connection: Any, record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in _MYSQL_SESSION:
            cursor.execute(statement)
        cursor.close()

    return engine


def _sqlite_engine(url: URL, autocommit: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        connect_args={"timeout": SQLITE_BUSY_MS_MAX / 1000, "isolation_level": None},
        # One writer at a time: within the process they queue here, in order, not at the file.
        pool_size=READ_CONNECTIONS_MAX // 2 if autocommit else 1,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS_MAX,
        pool_use_lifo=True,
        **_mode(autocommit),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def settle(connection: Any, record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    if not autocommit:

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _mode(autocommit: bool) -> dict[str, Any]:
    # Whoever takes a connection ends its transaction; a ROLLBACK on return would only cost time.
    mode: dict[str, Any] = {"pool_reset_on_return": None}
    if autocommit:
        mode |= {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    return mode
