"""Connections lent for one use each, and given back unless they may be broken.

SQLAlchemy's pool makes them and bounds their number. To ask it takes longer than a small statement
does, so those that come back whole stay at hand, all but one: that is for whoever asks the pool.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from oms.adapters.sql.connection.errors import ConnectionLost, unavailable_error


@dataclass(slots=True, kw_only=True)
class ConnectionCache:
    """Lends the connections of one pool."""

    engine: AsyncEngine
    cached_max: int
    #: All that a statement may raise.
    driver_errors: tuple[type[BaseException], ...]
    _kept: list[PoolProxiedConnection] = field(default_factory=list)
    #: How many ask the pool now, which may have to wait for what others give back.
    _asking: int = 0

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[PoolProxiedConnection]:
        """A connection. Raises ``Unavailable`` if none can be had."""
        connection = self._kept.pop() if self._kept else await self._asked()
        whole = False
        try:
            yield connection
            whole = True
        except Exception as error:
            # SQLite refuses a statement and is as good as before; of a server nobody knows.
            whole = isinstance(error, sqlite3.Error) or not isinstance(
                error, (*self.driver_errors, ConnectionLost)
            )
            raise
        finally:
            if not whole:
                connection.invalidate()
            elif self._asking or len(self._kept) >= self.cached_max:
                connection.close()
            else:
                self._kept.append(connection)

    async def close(self) -> None:
        """Close all connections; what is still lent is closed by the pool when it comes back."""
        self.cached_max = 0
        while self._kept:
            self._kept.pop().close()
        await self.engine.dispose()

    async def _asked(self) -> PoolProxiedConnection:
        self._asking += 1
        try:
            return await self.engine.raw_connection()
        except self.driver_errors as error:
            raise unavailable_error(error) from error
        finally:
            self._asking -= 1
