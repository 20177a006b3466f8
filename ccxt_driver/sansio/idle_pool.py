"""Rules for the reuse of idle connections, without I/O.

A request that may be repeated is tried on each idle connection that is still open: one that turns
out to be closed costs a repetition only. A request that must be sent exactly once uses an idle
connection only if it was used a moment ago, and is never repeated.
"""

import time
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

#: A connection idle for longer is not used for a request that can be sent only once: the other
#: side may be closing it at this very moment.
IDLE_SECONDS_MAX = 4.0
#: Idle connections that are retained.
IDLE_CONNECTIONS_MAX = 8


class RequestNotSent(Exception):
    """No connection was established, so nothing was sent; the cause is an ``OSError``."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class PooledConnection(Protocol):
    """What the pool needs of a connection."""

    #: The monotonic time of its last use.
    used_at: float

    def is_open(self) -> bool:
        """Whether the other side has not closed it, as far as can be seen."""
        ...

    def close(self) -> None:
        """Closes it."""
        ...


Connection = TypeVar("Connection", bound=PooledConnection)


class IdlePool(Generic[Connection]):
    """Idle connections to one address. Several threads may use it."""

    def __init__(self) -> None:
        self._connections: list[Connection] = []

    def candidates(self, *, is_repeatable: bool) -> Iterator[Connection]:
        """Yields idle connections for a request, removing each from the pool.

        Those that are closed, or idle for too long, are closed and skipped.
        """
        seconds_max = float("inf") if is_repeatable else IDLE_SECONDS_MAX
        while True:
            try:
                connection = self._connections.pop()
            except IndexError:
                return
            is_recent = time.monotonic() - connection.used_at <= seconds_max
            if is_recent and connection.is_open():
                yield connection
            else:
                connection.close()

    def put(self, connection: Connection) -> None:
        """Retains a connection after use; closes it if there are enough."""
        if len(self._connections) < IDLE_CONNECTIONS_MAX:
            connection.used_at = time.monotonic()
            self._connections.append(connection)
        else:
            connection.close()

    def clear(self) -> list[Connection]:
        """Removes all connections and returns them, without closing them."""
        connections, self._connections = self._connections, []
        return connections
