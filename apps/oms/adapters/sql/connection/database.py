"""Uses of a database: reads, consistent reads, and transactions that end well or not at all.

A transaction that the server undid is done once more, a bounded number of times; one whose COMMIT
was not answered is in doubt and never repeated here: ``InDoubt`` tells whoever knows how to find
out. A pooled connection that turns out dead costs nothing but the next one.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from oms.adapters.sql.connection.connection_cache import ConnectionCache
from oms.adapters.sql.connection.dialect import Dialect, get_dialect
from oms.adapters.sql.connection.engine import (
    READ_CONNECTIONS_MAX,
    is_in_cluster,
    mysql_engine,
    sqlite_engine,
)
from oms.adapters.sql.connection.errors import (
    CommitOutcomeUnknown,
    ConnectionLost,
    DuplicateKey,
    RetryableError,
    translate_error,
    unavailable_error,
)
from oms.adapters.sql.connection.session import (
    ServerSession,
    Session,
    SqliteSession,
    run_to_completion,
)
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.domain.errors import OmsError, Unavailable

STATEMENTS_SECONDS_MAX = 12
#: In a cluster nobody waits for a lock: whoever comes second begins anew, some times over.
RETRIES_MAX = 20
RETRY_SECONDS_MAX = 25
#: Who was undone together waits for different times, up to this, doubled each time.
PAUSE_SECONDS_MIN = 0.002
PAUSE_SECONDS_MAX = 0.1
#: Every connection of a pool may have died with the server; then a new one is made.
RECONNECTS_MAX = READ_CONNECTIONS_MAX + 1

Answer = TypeVar("Answer")
Work = Callable[[Session], Coroutine[Any, Any, Answer]]

BEGIN_CONSISTENT = {
    "mysql": (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    ),
    "sqlite": ("BEGIN",),
}


@dataclass(slots=True)
class _Stage:
    """How far a transaction is."""

    #: From here on a failure does not tell whether it was written.
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Database:
    """The pools of one database and the dialect it speaks."""

    dialect: Dialect
    write_connections: ConnectionCache
    read_connections: ConnectionCache
    #: All that a statement may raise.
    driver_errors: tuple[type[BaseException], ...]

    @property
    def write_engine(self) -> AsyncEngine:
        """The pool whose connections keep a transaction."""
        return self.write_connections.engine

    @property
    def read_engine(self) -> AsyncEngine:
        """The pool whose connections keep none."""
        return self.read_connections.engine

    @property
    def transaction_errors(self) -> tuple[type[BaseException], ...]:
        """``failures``, and what they are called once they are understood."""
        return (*self.driver_errors, RetryableError, ConnectionLost)

    async def read(self, work: Work[Answer], *, prepare: bool = False) -> Answer:
        """What ``work`` reads; ``often`` in the same few words. Raises ``Unavailable``."""
        for _ in range(RECONNECTS_MAX + 1):
            try:
                async with asyncio.timeout(STATEMENTS_SECONDS_MAX):
                    return await self._used(work, prepare)
            except self.driver_errors as error:
                failure = translate_error(error)
                if not isinstance(failure, ConnectionLost | RetryableError):
                    raise _told(failure, error) from error
        raise Unavailable("the database closes its connections")

    async def rows(
        self, text: str, values: Sequence[Any] = (), *, prepare: bool = False
    ) -> Sequence[Any]:
        """All rows of one SELECT; ``often`` asked in the same words. Raises ``Unavailable``."""

        async def work(session: Session) -> Sequence[Any]:
            return await session.fetch(text, values)

        return await self.read(work, prepare=prepare)

    async def read_consistent(self, work: Work[Answer]) -> Answer:
        """Like ``read``, all statements seeing the same moment. Raises ``Unavailable``."""

        async def at_one_moment(session: Session) -> Answer:
            for statement in BEGIN_CONSISTENT[session.dialect.name]:
                await session.execute(statement)
            try:
                return await work(session)
            finally:
                await session.rollback()  # nothing was written; it ends the moment

        return await self.read(at_one_moment)

    async def write(self, work: Work[Answer]) -> Answer:
        """What ``work`` answers, its statements durably committed as one transaction.

        ``work`` may be called more than once. Raises ``Unavailable`` with nothing written,
        ``Duplicate``, or ``InDoubt``.
        """
        return await self._done(partial(self._transaction, work))

    async def insert(self, script: StatementBatch) -> None:
        """All rows of a script of INSERTs, durably, or none. Raises what ``write`` raises.

        One INSERT is a transaction by itself and needs no COMMIT, however many rows it repeats;
        other statements are one for each row.
        """

        async def work(session: Session) -> None:
            await session.send(script)

        alone = len(script.statements) == 1 and not script.is_multi_row
        alone = (
            alone and self.dialect.name == "mysql" and script.statements[0].expected_rows is None
        )
        if not (alone and await self._done(partial(self._statement, script))):
            await self.write(work)

    async def _done(self, attempt: Callable[[_Stage], Awaitable[Answer]]) -> Answer:
        """What ``attempt`` answers, after as many as it takes and is sound."""
        undone = lost = 0
        begun = time.monotonic()
        while True:
            stage = _Stage()
            try:
                async with asyncio.timeout(STATEMENTS_SECONDS_MAX):
                    return await attempt(stage)
            except self.transaction_errors as error:
                failure = translate_error(error)
                if isinstance(failure, RetryableError):
                    undone += 1
                    late = time.monotonic() - begun > RETRY_SECONDS_MAX
                    if late or undone == RETRIES_MAX:
                        raise Unavailable("too many writers at once", reason="locks") from error
                    await asyncio.sleep(_pause(undone))
                elif stage.in_doubt:
                    raise CommitOutcomeUnknown from error
                elif isinstance(failure, ConnectionLost) and lost < RECONNECTS_MAX:
                    lost += 1
                else:
                    raise _told(failure, error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self.write_connections.close()
        await self.read_connections.close()

    async def _used(self, work: Work[Answer], prepare: bool) -> Answer:
        async with self.read_connections.lent() as lent:
            if self.dialect.name == "sqlite":
                return await self._in_thread(lent, work)
            return await work(self._session(lent, prepare=prepare))

    async def _statement(self, script: StatementBatch, stage: _Stage) -> bool:
        """Run the one statement of ``script``; ``False``: nothing was sent, and it cannot be so."""
        async with self.read_connections.lent() as lent:
            session = self._session(lent, prepare=True)
            stage.in_doubt = True
            try:
                return await session.send_pipelined(script)
            except self.driver_errors as error:
                failure = translate_error(error)
                if isinstance(failure, Unavailable):
                    raise  # nobody answered
                stage.in_doubt = isinstance(failure, ConnectionLost)
                raise failure from error

    async def _transaction(self, work: Work[Answer], stage: _Stage) -> Answer:
        async with self.write_connections.lent() as lent:
            if self.dialect.name == "sqlite":
                return await self._local_transaction(lent, work, stage)
            session = self._session(lent, prepare=True)
            try:
                answer = await work(session)
            except self.driver_errors as error:
                failure = translate_error(error)
                if not isinstance(failure, ConnectionLost):
                    await session.rollback()
                raise failure from error
            except Exception:
                await session.rollback()
                raise
            stage.in_doubt = True
            await lent.driver_connection.commit()  # type: ignore[union-attr]
            return answer

    async def _local_transaction(
        self, lent: PoolProxiedConnection, work: Work[Answer], stage: _Stage
    ) -> Answer:
        async def whole(session: Session) -> Answer:
            await session.execute("BEGIN IMMEDIATE")
            try:
                answer = await work(session)
                await session.execute("COMMIT")
            except BaseException:
                await session.rollback()
                raise
            return answer

        stage.in_doubt = True
        try:
            return await self._in_thread(lent, whole)
        except Exception:
            stage.in_doubt = False  # it was told by the thread, which has undone it
            raise

    async def _in_thread(self, lent: PoolProxiedConnection, work: Work[Answer]) -> Answer:
        connection: Any = lent.driver_connection

        def run() -> Answer:
            return run_to_completion(work(SqliteSession(connection._conn, self.dialect)))

        # The driver's own way into its thread; it offers no public one for a function.
        try:
            answer: Answer = await connection._execute(run)
        except ValueError as closed:
            raise ConnectionResetError("the connection is closed") from closed
        return answer

    def _session(self, lent: PoolProxiedConnection, *, prepare: bool) -> ServerSession:
        # aiomysql's own cursor asks for warnings after each statement; SQLAlchemy's does not.
        quiet = getattr(lent.dbapi_connection, "dbapi", None)
        kind = getattr(quiet, "Cursor", None)
        kinds = () if kind is None else (kind,)
        return ServerSession(lent.driver_connection, kinds, self.dialect, prepare)


async def connect(url: str) -> Database:
    """Pools for ``url``, with one connection made. Raises ``Unavailable``, ``ValueError``."""
    database = open_database(url)
    is_sqlite = database.dialect.name == "sqlite"
    try:
        async with (
            asyncio.timeout(STATEMENTS_SECONDS_MAX),
            database.read_engine.connect() as connection,
        ):
            server = connection.dialect
            has_bulk_execute = server.driver == "asyncmy" and bool(
                getattr(server, "is_mariadb", False)
            )
            in_cluster = not is_sqlite and await is_in_cluster(connection)
    except database.driver_errors as error:
        await database.close()
        raise _told(translate_error(error), error) from error
    if in_cluster:
        await database.close()
        return open_database(url, in_cluster=True)
    return replace(
        database, dialect=get_dialect(database.dialect.name, has_bulk_execute=has_bulk_execute)
    )


def open_database(url: str, *, in_cluster: bool = False) -> Database:
    """Pools for ``url``; nothing is connected yet. Raises ``ValueError`` for other databases."""
    parsed = make_url(url)
    if parsed.drivername not in ("mysql+aiomysql", "mysql+asyncmy", "sqlite+aiosqlite"):
        raise ValueError(
            "database_url must begin with mysql+aiomysql, mysql+asyncmy or sqlite+aiosqlite"
        )
    dialect = get_dialect(parsed.get_backend_name(), has_bulk_execute=False, in_cluster=in_cluster)
    make = partial(mysql_engine, in_cluster=in_cluster)
    if dialect.name == "sqlite":
        make = partial(sqlite_engine)
    write_engine, read_engine = make(parsed, autocommit=False), make(parsed, autocommit=True)
    driver: Any = read_engine.dialect.loaded_dbapi
    driver_errors = (SQLAlchemyError, OSError, EOFError, driver.Error)
    return Database(
        dialect,
        _lender(write_engine, driver_errors),
        _lender(read_engine, driver_errors),
        driver_errors,
    )


def _lender(engine: AsyncEngine, driver_errors: tuple[type[BaseException], ...]) -> ConnectionCache:
    pool: Any = engine.pool
    return ConnectionCache(engine=engine, cached_max=pool.size() - 1, driver_errors=driver_errors)


def _pause(undone: int) -> float:
    """Seconds, drawn anew each time, before a transaction that was undone is begun again."""
    return random.uniform(0, min(PAUSE_SECONDS_MIN * 2**undone, PAUSE_SECONDS_MAX))


def _told(failure: Exception, error: BaseException) -> Exception:
    """What the caller is told; who asked for the write knows what to do with a duplicate."""
    if isinstance(failure, OmsError | DuplicateKey):
        return failure
    return unavailable_error(error)
