"""Cache of pooled connections.

SQLAlchemy's pool opens connections and limits their number. A checkout takes longer than a small
statement, so healthy connections are kept here when they are released, all but one, which stays
available to direct users of the pool.
"""

import sqlite3
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from oms.adapters.sql.connection.errors import (
    CLOSED_WHILE_CONNECTING,
    ConnectionLost,
    public_error,
    unavailable_error,
)


@dataclass(slots=True, kw_only=True)
class ConnectionCache:
    """Reuses the connections of one pool."""

    engine: Engine
    cached_max: int
    #: Everything a statement may raise.
    driver_errors: tuple[type[BaseException], ...]
    _cached: list[PoolProxiedConnection] = field(default_factory=list)
    #: Number of pending pool checkouts, which may wait for a released connection.
    _checkouts: int = 0

    def acquire(self) -> "_Use":
        """Return the context of one use of a connection. Entering it raises ``Unavailable``.

        The connection is invalidated if the error raised inside may have broken it.
        """
        return _Use(self)

    async def take(self) -> PoolProxiedConnection:
        """Return a connection, which ``release`` gives back. Raises ``Unavailable``."""
        return self._cached.pop() if self._cached else await self._check_out()

    def release(self, connection: PoolProxiedConnection, error: BaseException | None) -> None:
        """Keep a connection for the next use, unless ``error`` may have broken it."""
        if error is not None and self._may_break(error):
            connection.invalidate()
        elif self._checkouts or len(self._cached) >= self.cached_max:
            connection.close()
        else:
            self._cached.append(connection)

    async def close(self) -> None:
        """Close all connections; those in use are closed by the pool when they are released."""
        self.cached_max = 0
        while self._cached:
            self._cached.pop().close()
        await greenlet_spawn(self.engine.dispose)

    async def _check_out(self) -> PoolProxiedConnection:
        self._checkouts += 1
        try:
            return await greenlet_spawn(self.engine.raw_connection)
        except self.driver_errors as error:
            raise public_error(error) from error
        except CLOSED_WHILE_CONNECTING as error:
            raise unavailable_error(error) from error
        finally:
            self._checkouts -= 1

    def _may_break(self, error: BaseException) -> bool:
        # SQLite connections survive a failed statement; a server connection may not.
        if isinstance(error, sqlite3.Error):
            return False
        return not isinstance(error, Exception) or isinstance(
            error, (*self.driver_errors, ConnectionLost)
        )


class _Use:
    """A connection between its checkout and its release."""

    __slots__ = ("_cache", "_connection")

    _connection: PoolProxiedConnection

    def __init__(self, cache: ConnectionCache) -> None:
        self._cache = cache

    async def __aenter__(self) -> PoolProxiedConnection:
        self._connection = await self._cache.take()
        return self._connection

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._cache.release(self._connection, error)
