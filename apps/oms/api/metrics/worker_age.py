"""How long ago a worker sent a heartbeat, read at most once a second for all sockets."""

import asyncio
import time
from collections.abc import Callable

from oms.domain.errors import Unavailable
from oms.ports.leases import WORKER_ALIVE_SECONDS, Leases

READ_SECONDS = 1.0


class WorkerAge:
    """The age of the newest heartbeat of any worker."""

    def __init__(self, leases: Leases, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._leases = leases
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._read_at: float | None = None
        #: When the newest heartbeat was sent, by the same clock.
        self._sent_at: float | None = None

    async def read_ms(self) -> int | None:
        """Return the age in milliseconds.

        ``None`` where no worker is alive, or none can be seen because the database does not
        answer.
        """
        async with self._lock:
            if self._read_at is None or self._monotonic() - self._read_at >= READ_SECONDS:
                await self._read()
        return None if self._sent_at is None else round((self._monotonic() - self._sent_at) * 1000)

    async def _read(self) -> None:
        try:
            workers = await self._leases.workers(WORKER_ALIVE_SECONDS)
        except Unavailable:
            workers = ()
        self._read_at = self._monotonic()
        newest = min((worker.heartbeat_age_seconds for worker in workers), default=None)
        self._sent_at = None if newest is None else self._read_at - newest
