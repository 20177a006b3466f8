"""Access to one database: reads, consistent reads and atomic transactions.

A transaction that the server rolled back is repeated a bounded number of times. One whose COMMIT
got no response has an unknown outcome and is never repeated here: ``CommitOutcomeUnknown`` leaves
that to the caller. A dead pooled connection is replaced by the next one.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar, cast

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from oms.adapters.private_files import create_private_file
from oms.adapters.sql.connection.connection_cache import ConnectionCache
from oms.adapters.sql.connection.dialect import Dialect, get_dialect
from oms.adapters.sql.connection.engine import (
    READ_CONNECTIONS_MAX,
    is_in_cluster,
    mysql_engine,
    sqlite_engine,
    sqlite_file,
)
from oms.adapters.sql.connection.errors import (
    CLOSED_WHILE_CONNECTING,
    CommitOutcomeUnknown,
    ConnectionLost,
    DuplicateKey,
    RetryableError,
    outcome_unknown_error,
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
#: In a cluster a conflict is not a lock wait: the second transaction fails and is repeated.
RETRIES_MAX = 20
RETRY_SECONDS_MAX = 25
#: Bounds of the random pause before a retry; the upper bound doubles with each attempt.
PAUSE_SECONDS_MIN = 0.002
PAUSE_SECONDS_MAX = 0.1
#: Every pooled connection may be dead after a server restart; one more attempt opens a new one.
RECONNECTS_MAX = READ_CONNECTIONS_MAX + 1

Result = TypeVar("Result")
Work = Callable[[Session], Coroutine[Any, Any, Result]]

BEGIN_CONSISTENT = {
    "mysql": (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    ),
    "sqlite": ("BEGIN",),
}


@dataclass(slots=True)
class _Stage:
    """Progress of a transaction."""

    #: From here on a failure leaves the outcome unknown.
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Database:
    """Connection pools and dialect of one database."""

    dialect: Dialect
    write_connections: ConnectionCache
    read_connections: ConnectionCache
    #: Everything a statement may raise.
    driver_errors: tuple[type[BaseException], ...]

    @property
    def write_engine(self) -> Engine:
        """The pool for transactions."""
        return self.write_connections.engine

    @property
    def read_engine(self) -> Engine:
        """The pool in autocommit mode."""
        return self.read_connections.engine

    @property
    def transaction_errors(self) -> tuple[type[BaseException], ...]:
        """``driver_errors`` and the retryable errors they are translated to."""
        return (*self.driver_errors, RetryableError, ConnectionLost)

    async def read(self, work: Work[Result], *, prepare: bool = False) -> Result:
        """Return the result of the reading ``work``. Raises ``Unavailable``.

        With ``prepare`` the statements are prepared, which pays off if their texts repeat.
        """
        for _ in range(RECONNECTS_MAX + 1):
            try:
                async with asyncio.timeout(STATEMENTS_SECONDS_MAX):
                    return await self._run_read(work, prepare)
            except self.driver_errors as error:
                failure = translate_error(error)
                if not isinstance(failure, ConnectionLost | RetryableError):
                    raise _public_error(failure, error) from error
        raise Unavailable("the database closes its connections")

    async def fetch(
        self, text: str, values: Sequence[Any] = (), *, prepare: bool = False
    ) -> Sequence[Any]:
        """Return all rows of one SELECT; ``prepare`` as in ``read``. Raises ``Unavailable``."""

        async def work(session: Session) -> Sequence[Any]:
            return await session.fetch(text, values)

        return await self.read(work, prepare=prepare)

    async def fetch_of_accounts(
        self, account_ids: Sequence[int], text: str, values: Sequence[Any] = ()
    ) -> Sequence[Any]:
        """Return the rows of a report over accounts. Raises ``Unavailable``.

        With a replica, ``ReplicaReads`` takes the place of this.
        """
        return await self.fetch(text, values)

    async def read_of_accounts(self, account_ids: Sequence[int], work: Work[Result]) -> Result:
        """Like ``fetch_of_accounts``, for several statements in one snapshot."""
        return await self.read_consistent(work)

    async def read_consistent(self, work: Work[Result]) -> Result:
        """Like ``read``, with all statements in one snapshot. Raises ``Unavailable``."""

        async def in_snapshot(session: Session) -> Result:
            for statement in BEGIN_CONSISTENT[session.dialect.name]:
                await session.execute(statement)
            try:
                return await work(session)
            finally:
                await session.rollback()  # ends the snapshot; nothing was written

        return await self.read(in_snapshot)

    async def write(self, work: Work[Result]) -> Result:
        """Return the result of ``work``, durably committed as one transaction.

        ``work`` may be called more than once. Raises ``Unavailable`` (nothing written),
        ``DuplicateKey`` or ``CommitOutcomeUnknown``.
        """
        return await self._with_retries(partial(self._transaction, work))

    async def commit(self, work: Work[Result]) -> Result:
        """Like ``write``; an unknown outcome raises ``Unavailable`` with reason ``in_doubt``."""
        try:
            return await self.write(work)
        except CommitOutcomeUnknown as error:
            raise outcome_unknown_error() from error

    async def insert(self, batch: StatementBatch) -> None:
        """Durably write all rows of a batch of INSERTs or none. Raises like ``write``.

        A single bulk INSERT is atomic in autocommit mode, so it saves the round trip of COMMIT.
        """

        async def work(session: Session) -> None:
            await session.send(batch)

        is_single = (
            self.dialect.name == "mysql"
            and not batch.is_multi_row
            and len(batch.statements) == 1
            and batch.statements[0].expected_rows is None
        )
        if not (is_single and await self._with_retries(partial(self._insert_single, batch))):
            await self.write(work)

    async def _with_retries(self, attempt: Callable[[_Stage], Awaitable[Result]]) -> Result:
        """Return the result of ``attempt``, repeated after retryable failures."""
        rollbacks = reconnects = 0
        started_at = time.monotonic()
        while True:
            stage = _Stage()
            try:
                async with asyncio.timeout(STATEMENTS_SECONDS_MAX):
                    return await attempt(stage)
            except self.transaction_errors as error:
                failure = translate_error(error)
                if isinstance(failure, RetryableError):
                    rollbacks += 1
                    is_late = time.monotonic() - started_at > RETRY_SECONDS_MAX
                    if is_late or rollbacks == RETRIES_MAX:
                        raise Unavailable("too many writers at once", reason="locks") from error
                    await asyncio.sleep(_retry_pause_seconds(rollbacks))
                elif stage.in_doubt:
                    raise CommitOutcomeUnknown from error
                elif isinstance(failure, ConnectionLost) and reconnects < RECONNECTS_MAX:
                    reconnects += 1
                else:
                    raise _public_error(failure, error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self.write_connections.close()
        await self.read_connections.close()

    async def _run_read(self, work: Work[Result], prepare: bool) -> Result:
        async with self.read_connections.acquire() as connection:
            if self.dialect.name == "sqlite":
                return await self._in_thread(connection, work)
            return await work(self._session(connection, prepare=prepare))

    async def _insert_single(self, batch: StatementBatch, stage: _Stage) -> bool:
        """Run the single statement pipelined; ``False`` if that is impossible (nothing sent)."""
        async with self.read_connections.acquire() as connection:
            session = self._session(connection, prepare=True)
            stage.in_doubt = True
            try:
                return await session.send_pipelined(batch)
            except self.driver_errors as error:
                failure = translate_error(error)
                if isinstance(failure, Unavailable):
                    raise  # no response
                stage.in_doubt = isinstance(failure, ConnectionLost)
                raise failure from error

    async def _transaction(self, work: Work[Result], stage: _Stage) -> Result:
        async with self.write_connections.acquire() as connection:
            if self.dialect.name == "sqlite":
                return await self._local_transaction(connection, work, stage)
            session = self._session(connection, prepare=True)
            try:
                result = await work(session)
            except self.driver_errors as error:
                failure = translate_error(error)
                if not isinstance(failure, ConnectionLost):
                    await session.rollback()
                raise failure from error
            except Exception:
                await session.rollback()
                raise
            stage.in_doubt = True
            await connection.driver_connection.commit()  # type: ignore[union-attr]
            return result

    async def _local_transaction(
        self, connection: PoolProxiedConnection, work: Work[Result], stage: _Stage
    ) -> Result:
        async def transaction(session: Session) -> Result:
            await session.execute("BEGIN IMMEDIATE")
            try:
                result = await work(session)
                await session.execute("COMMIT")
            except BaseException:
                await session.rollback()
                raise
            return result

        stage.in_doubt = True
        try:
            return await self._in_thread(connection, transaction)
        except Exception:
            stage.in_doubt = False  # the thread reported the error and has rolled back
            raise

    async def _in_thread(self, connection: PoolProxiedConnection, work: Work[Result]) -> Result:
        driver: Any = connection.driver_connection

        def run() -> tuple[Result | None, ValueError | None]:
            try:
                return run_to_completion(work(SqliteSession(driver._conn, self.dialect))), None
            except ValueError as error:  # of the work, not of a closed connection
                return None, error

        # aiosqlite has no public call that runs a function in the connection's thread.
        try:
            result, error = await driver._execute(run)
        except ValueError as closed:
            raise ConnectionResetError("the connection is closed") from closed
        if error is not None:
            raise error
        return cast(Result, result)

    def _session(self, connection: PoolProxiedConnection, *, prepare: bool) -> ServerSession:
        # aiomysql's own cursor queries warnings after each statement; SQLAlchemy's does not.
        dbapi = getattr(connection.dbapi_connection, "dbapi", None)
        cursor_kind = getattr(dbapi, "Cursor", None)
        kinds = () if cursor_kind is None else (cursor_kind,)
        return ServerSession(connection.driver_connection, kinds, self.dialect, prepare)


async def connect(url: str) -> Database:
    """Return the database at ``url`` after one successful connection.

    Raises ``Unavailable``, and ``ValueError`` for an unsupported URL.
    """
    database = open_database(url)
    if (file := sqlite_file(url)) is not None:
        create_private_file(file)
    try:
        async with asyncio.timeout(STATEMENTS_SECONDS_MAX):
            has_bulk_execute, in_cluster = await greenlet_spawn(
                _server_features, database.read_engine
            )
    except database.driver_errors as error:
        await database.close()
        raise _public_error(translate_error(error), error) from error
    except CLOSED_WHILE_CONNECTING as error:
        await database.close()
        raise unavailable_error(error) from error
    if in_cluster:
        await database.close()
        return open_database(url, in_cluster=True)
    return replace(
        database, dialect=get_dialect(database.dialect.name, has_bulk_execute=has_bulk_execute)
    )


def open_database(url: str, *, in_cluster: bool = False) -> Database:
    """Return the database at ``url`` without connecting. Raises ``ValueError`` if unsupported."""
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
        _cached_pool(write_engine, driver_errors),
        _cached_pool(read_engine, driver_errors),
        driver_errors,
    )


def _server_features(engine: Engine) -> tuple[bool, bool]:
    """Return whether the server executes bulk statements, and whether it is a cluster's node."""
    with engine.connect() as connection:
        server = connection.dialect
        has_bulk_execute = server.driver == "asyncmy" and bool(getattr(server, "is_mariadb", False))
        return has_bulk_execute, server.name != "sqlite" and is_in_cluster(connection)


def _cached_pool(engine: Engine, driver_errors: tuple[type[BaseException], ...]) -> ConnectionCache:
    pool: Any = engine.pool
    return ConnectionCache(engine=engine, cached_max=pool.size() - 1, driver_errors=driver_errors)


def _retry_pause_seconds(rollbacks: int) -> float:
    """Return a random pause before a rolled back transaction is repeated."""
    return random.uniform(0, min(PAUSE_SECONDS_MIN * 2**rollbacks, PAUSE_SECONDS_MAX))


def _public_error(failure: Exception, error: BaseException) -> Exception:
    """Return the error to raise to the caller; a duplicate key is the caller's to handle."""
    if isinstance(failure, OmsError | DuplicateKey):
        return failure
    return unavailable_error(error)
