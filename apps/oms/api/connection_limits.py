"""Limits of a process's client connections: their number, and how long each may wait.

Every connection uses a file descriptor. Above the limit one is closed: the oldest whose caller was
never authenticated, else the one that is idle for longest, else the newest. A connection whose
request is being executed and an authenticated WebSocket are never closed for another one.
"""

import asyncio
import logging
import resource
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from oms.api.client_ip import is_trusted_address
from oms.api.metrics.request_metrics import RequestMetrics
from oms.config_sections import ConnectionSettings

RESERVED_DESCRIPTORS = 128
"""Descriptors for the database, the notifier, files and connections about to be accepted."""

OPEN_MAX = 65_536
CHECK_SECONDS = 0.5
LOG_SECONDS = 10.0
"""Closed connections are logged once per reason in this time, with their number."""

logger = logging.getLogger(__name__)


class LimitedConnection(Protocol):
    """A connection that is limited."""

    #: The peer's address; empty if unknown.
    address: str
    #: Loop time after which ``expire`` is called; infinite while a response is awaited.
    deadline: float
    #: Loop time of the last response or, without one, of the connection.
    idle_since: float

    @property
    def is_authenticated(self) -> bool:
        """Whether a request of an authenticated caller was answered, or a WebSocket is one's."""
        ...

    @property
    def is_closable(self) -> bool:
        """Whether no request of the connection is executed and it is no authenticated WebSocket."""
        ...

    def expire(self) -> str | None:
        """End the connection because of its deadline; return the reason."""
        ...

    def abort(self) -> None:
        """Close the connection at once."""
        ...

    def unsent_bytes(self) -> int:
        """Return how many bytes the peer has not taken yet."""
        ...


@dataclass(slots=True, kw_only=True)
class ConnectionLimits:
    """The open connections of one process, and their limits."""

    settings: ConnectionSettings
    metrics: RequestMetrics
    trusted_proxies: tuple[str, ...] = ()
    _open: dict[LimitedConnection, None] = field(default_factory=dict)
    _by_address: Counter[str] = field(default_factory=Counter)
    #: Of connections whose peer does not read: unsent bytes, and since when.
    _stalled: dict[LimitedConnection, tuple[int, float]] = field(default_factory=dict)
    _check_timer: asyncio.TimerHandle | None = None
    _unlogged: Counter[str] = field(default_factory=Counter)
    _logged_at: dict[str, float] = field(default_factory=dict)

    @property
    def open_max(self) -> int:
        """Maximum number of open connections."""
        return self.settings.open_max or open_max_of(descriptor_limit())

    @property
    def per_address_max(self) -> int:
        """Maximum number of open connections of one address."""
        return self.settings.per_address_max or max(self.open_max // 2, 1)

    def enter(self, connection: LimitedConnection) -> None:
        """Count a new connection; it or another one is closed if there are too many."""
        self._open[connection] = None
        self._by_address[connection.address] += 1
        self.metrics.connections_open = len(self._open)
        if self._check_timer is None:
            self._schedule_check()
        if len(self._open) > self.open_max:
            self._close_least_important(self._open, "too_many")
        elif self._is_address_full(connection.address):
            same = [each for each in self._open if each.address == connection.address]
            self._close_least_important(same, "too_many_of_address")

    def replace(self, before: LimitedConnection, after: LimitedConnection) -> None:
        """Continue a connection under another protocol."""
        if before in self._open:
            self.leave(before)
            self._open[after] = None
            self._by_address[after.address] += 1
            self.metrics.connections_open = len(self._open)

    def leave(self, connection: LimitedConnection) -> None:
        """Count the end of a connection."""
        if connection not in self._open:
            return
        del self._open[connection]
        self._stalled.pop(connection, None)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]
        self.metrics.connections_open = len(self._open)

    def count_closed(self, reason: str) -> None:
        """Count a connection that was closed for ``reason``, and log it sometimes."""
        self.metrics.connections_closed[reason] += 1
        self._unlogged[reason] += 1
        now = asyncio.get_running_loop().time()
        if now - self._logged_at.get(reason, -LOG_SECONDS) >= LOG_SECONDS:
            self._logged_at[reason] = now
            count = self._unlogged.pop(reason)
            logger.warning("connections_closed", extra={"reason": reason, "count": count})

    def _is_address_full(self, address: str) -> bool:
        is_above = self._by_address[address] > self.per_address_max
        return is_above and not is_trusted_address(address, self.trusted_proxies)

    def _close_least_important(
        self, connections: Collection[LimitedConnection], reason: str
    ) -> None:
        """Close one of ``connections``, which are in the order of their arrival."""
        closable = (each for each in connections if each.is_closable)
        # Mostly the first one: a flood of connections must not cost a search among all of them.
        chosen = next((each for each in closable if not each.is_authenticated), None)
        if chosen is None:
            idle = [each for each in connections if each.is_closable]
            chosen = min(idle, key=lambda each: each.idle_since) if idle else [*connections][-1]
        self._close(chosen, reason)

    def _close(self, connection: LimitedConnection, reason: str) -> None:
        self.leave(connection)
        self.count_closed(reason)
        connection.abort()

    def _schedule_check(self) -> None:
        loop = asyncio.get_running_loop()
        self._check_timer = loop.call_later(CHECK_SECONDS, self._check)

    def _check(self) -> None:
        """End the connections past their deadline, and those whose peer stopped reading."""
        self._check_timer = None
        now = asyncio.get_running_loop().time()
        for connection in list(self._open):
            if now > connection.deadline:
                reason = connection.expire()
                if reason is not None:
                    self.count_closed(reason)
            unsent = connection.unsent_bytes()
            if not unsent:
                self._stalled.pop(connection, None)
                continue
            before, since = self._stalled.get(connection, (0, now))
            if unsent != before or connection not in self._stalled:
                self._stalled[connection] = (unsent, now)
            elif now - since > self.settings.write_seconds:
                self._close(connection, "write_timeout")
        if self._open:
            self._schedule_check()


@lru_cache(maxsize=1)
def descriptor_limit() -> int:
    """Return how many files the process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return OPEN_MAX * 2 if soft == resource.RLIM_INFINITY else soft


def open_max_of(descriptors: int) -> int:
    """Return how many connections ``descriptors`` allow, with a reserve for everything else."""
    reserved = min(RESERVED_DESCRIPTORS, descriptors // 2)
    return max(min(descriptors - reserved, OPEN_MAX), 1)
