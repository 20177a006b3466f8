"""Pools of connections, each set up as its database needs.

Two pools a database: one whose connections keep a transaction per use, one without (each statement
sees what was committed before it).
"""

from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_SECONDS_MAX = 3
POOL_WAIT_SECONDS_MAX = 5
#: Longer than the idle limit: who waits for a stopped writer outlives it.
LOCK_WAIT_SECONDS_MAX = 5
IDLE_WRITE_SECONDS_MAX = 3
SQLITE_BUSY_SECONDS_MAX = 2
READ_CONNECTIONS_MAX = 10
WRITE_CONNECTIONS_MAX = 6
PREPARED_PER_CONNECTION_MAX = 100

# The comment is read by MariaDB alone. Who sleeps in a transaction that wrote holds the door for
# everybody: the server ends it.
_MYSQL_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
    f" innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS_MAX}"
    f" /*M!100300 , idle_write_transaction_timeout = {IDLE_WRITE_SECONDS_MAX} */",
)
#: A node of a Galera cluster, before a transaction's first statement and before each one outside
#: of any, waits until it has what was committed anywhere (1 reads, 2 changes, 4 inserts).
_NODE_SESSION = (*_MYSQL_SESSION, "SET SESSION wsrep_sync_wait = 7")
_SQLITE_SESSION = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


def mysql_engine(url: URL, *, autocommit: bool, in_cluster: bool = False) -> AsyncEngine:
    """A pool for MySQL or MariaDB, or for one node ``in_cluster``; nothing is connected yet."""
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS_MAX}
    # What is said again and again is prepared. In a cluster the driver would hide from PREPARE that
    # a transaction was overtaken.
    if url.drivername == "mysql+asyncmy" and not in_cluster:
        options["stmt_cache_size"] = PREPARED_PER_CONNECTION_MAX
    size = READ_CONNECTIONS_MAX if autocommit else WRITE_CONNECTIONS_MAX
    url = url.update_query_dict({"charset": "utf8mb4"})
    engine = _pool(url, options, size, autocommit)
    _settled(engine, _NODE_SESSION if in_cluster else _MYSQL_SESSION)
    return engine


def sqlite_engine(url: URL, *, autocommit: bool) -> AsyncEngine:
    """A pool for a SQLite file; nothing is opened yet.

    One writer at a time: within the process they queue at the pool, in order, not at the file.
    """
    options = {"timeout": SQLITE_BUSY_SECONDS_MAX, "isolation_level": None}
    engine = _pool(url, options, READ_CONNECTIONS_MAX // 2 if autocommit else 1, autocommit)
    _settled(engine, _SQLITE_SESSION)
    if not autocommit:

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def is_in_cluster(connection: AsyncConnection) -> bool:
    """Whether the server is a node of a Galera cluster; others may know no such variable."""
    found = await connection.exec_driver_sql("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")
    return [tuple(row) for row in found] == [("wsrep_on", "ON")]


def _pool(url: URL, options: dict[str, Any], size: int, autocommit: bool) -> AsyncEngine:
    # Whoever takes a connection ends its transaction; a ROLLBACK on return would only cost time.
    mode: dict[str, Any] = {"pool_reset_on_return": None}
    if autocommit:
        mode |= {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    return create_async_engine(
        url,
        connect_args=options,
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS_MAX,
        pool_use_lifo=True,
        **mode,
    )


def _settled(engine: AsyncEngine, statements: tuple[str, ...]) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def settle(connection: Any, record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
