"""Connection pools with the session settings of each kind of database.

A database has two pools: one for transactions and one in autocommit mode, where each statement sees
what was committed before it. The drivers are asynchronous: whatever connects or sends statements
runs in ``greenlet_spawn``. ``sqlalchemy.ext.asyncio`` does just that, but imports the ORM, which no
part of the gateway uses, at each start of a process.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_SECONDS_MAX = 3
POOL_WAIT_SECONDS_MAX = 5
#: Longer than the idle limit, so a waiter outlives a stopped writer that holds the lock.
LOCK_WAIT_SECONDS_MAX = 5
IDLE_WRITE_SECONDS_MAX = 3
SQLITE_BUSY_SECONDS_MAX = 2
READ_CONNECTIONS_MAX = 10
WRITE_CONNECTIONS_MAX = 6
PREPARED_PER_CONNECTION_MAX = 100

# Only MariaDB reads the comment. A stalled transaction that wrote keeps its row locks, so the
# server ends it after the idle limit.
_MYSQL_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
    f" innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS_MAX}"
    f" /*M!100300 , idle_write_transaction_timeout = {IDLE_WRITE_SECONDS_MAX} */",
)
#: A Galera node waits until it has applied all commits of the cluster before the first statement of
#: a transaction and before each autocommit statement (1 reads, 2 updates and deletes, 4 inserts).
_NODE_SESSION = (*_MYSQL_SESSION, "SET SESSION wsrep_sync_wait = 7")
_SQLITE_SESSION = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


def mysql_engine(url: URL, *, autocommit: bool, in_cluster: bool = False) -> Engine:
    """Return a pool for MySQL, MariaDB or a Galera node (``in_cluster``) without connecting."""
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS_MAX}
    # Repeated statements are prepared, except in a cluster: there PREPARE would hide a
    # certification failure of the transaction.
    if url.drivername == "mysql+asyncmy" and not in_cluster:
        options["stmt_cache_size"] = PREPARED_PER_CONNECTION_MAX
    size = READ_CONNECTIONS_MAX if autocommit else WRITE_CONNECTIONS_MAX
    url = url.update_query_dict({"charset": "utf8mb4"})
    engine = _pool(url, options, size, autocommit)
    _configure_session(engine, _NODE_SESSION if in_cluster else _MYSQL_SESSION)
    return engine


def sqlite_engine(url: URL, *, autocommit: bool) -> Engine:
    """Return a pool for a SQLite file without opening it.

    The write pool has one connection: writers of this process queue at the pool in order instead of
    competing for the file lock.
    """
    options = {"timeout": SQLITE_BUSY_SECONDS_MAX, "isolation_level": None}
    engine = _pool(url, options, READ_CONNECTIONS_MAX // 2 if autocommit else 1, autocommit)
    _configure_session(engine, _SQLITE_SESSION)
    if not autocommit:

        @event.listens_for(engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite database; ``None`` for another kind, or one in memory."""
    parsed = make_url(url)
    name = parsed.database
    is_file = parsed.get_backend_name() == "sqlite" and name not in (None, "", ":memory:")
    return Path(name) if is_file and name and not name.startswith("file:") else None


def is_in_cluster(connection: Connection) -> bool:
    """Return whether the server is a node of a Galera cluster."""
    rows = connection.exec_driver_sql("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")
    return [tuple(row) for row in rows] == [("wsrep_on", "ON")]


def _pool(url: URL, options: dict[str, Any], size: int, autocommit: bool) -> Engine:
    # Every use ends its own transaction; a ROLLBACK on return would only cost a round trip.
    mode: dict[str, Any] = {"pool_reset_on_return": None}
    if autocommit:
        mode |= {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    return create_engine(
        url,
        connect_args=options,
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS_MAX,
        pool_use_lifo=True,
        **mode,
    )


def _configure_session(engine: Engine, statements: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
