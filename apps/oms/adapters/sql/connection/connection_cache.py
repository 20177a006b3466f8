"""Cache of pooled connections.

SQLAlchemy's pool opens connections and limits their number. A checkout takes longer than a small
statement, so healthy connections are kept here when they are released, all but one, which stays
available to direct users of the pool.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from oms.adapters.sql.connection.errors import ConnectionLost, public_error


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

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[PoolProxiedConnection]:
        """Yield a connection for one use. Raises ``Unavailable`` if there is none.

        The connection is invalidated if the error raised inside may have broken it.
        """
        connection = self._cached.pop() if self._cached else await self._check_out()
        is_healthy = False
        try:
            yield connection
            is_healthy = True
        except Exception as error:
            # SQLite connections survive a failed statement; a server connection may not.
            is_healthy = isinstance(error, sqlite3.Error) or not isinstance(
                error, (*self.driver_errors, ConnectionLost)
            )
            raise
        finally:
            if not is_healthy:
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
        finally:
            self._checkouts -= 1
