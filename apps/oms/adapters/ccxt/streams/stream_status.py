"""Connection status of the streams of one account, for everything that depends on it."""

import asyncio
import logging
from datetime import datetime

from oms.ports.exchange import StreamState

_log = logging.getLogger("oms.ccxt")


class StreamStatus:
    """Written by ``AccountStreams`` alone; an account without streams is never connected."""

    def __init__(self, *, is_enabled: bool, venue: str, first_wait_seconds: float) -> None:
        self.is_enabled = is_enabled
        self.gaps = 0
        self.last_event_at: datetime | None = None
        self._venue = venue
        self._first_wait_seconds = first_wait_seconds
        self._connected = asyncio.Event()
        #: The loop's time until which orders wait for the first connection.
        self._wait_until: float | None = None
        self._is_first_wait_over = False

    @property
    def is_connected(self) -> bool:
        """Whether the streams report everything that happens."""
        return self._connected.is_set()

    @property
    def state(self) -> StreamState:
        """The state that the exchange port reports."""
        if not self.is_enabled:
            return StreamState.NONE
        return StreamState.CONNECTED if self.is_connected else StreamState.CONNECTING

    def end_first_wait(self) -> None:
        """Let orders go without waiting for a connection."""
        self._is_first_wait_over = True

    def set_connected(self) -> None:
        """The streams report everything from now on."""
        self._connected.set()

    def set_disconnected(self) -> bool:
        """The streams are closed; returns whether they were connected, which counts as a gap."""
        was_connected = self.is_connected
        self._connected.clear()
        self.gaps += was_connected
        return was_connected

    async def wait_first_connection(self) -> None:
        """Wait for the first connection, for ``first_wait_seconds`` since the first call at most.

        Returns at once where streams are disabled or the first wait is over.
        """
        if not self.is_enabled or self._is_first_wait_over:
            return
        now = asyncio.get_running_loop().time()
        if self._wait_until is None:
            self._wait_until = now + self._first_wait_seconds
        try:
            async with asyncio.timeout(max(self._wait_until - now, 0.0)):
                await self._connected.wait()
        except TimeoutError:
            if not self._is_first_wait_over:
                _log.warning("%s: the first order is sent without a stream", self._venue)
            self._is_first_wait_over = True
