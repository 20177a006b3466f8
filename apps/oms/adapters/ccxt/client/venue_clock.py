"""The venue's clock, measured against ours: the times of signed requests are those of the venue."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from time import monotonic
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed

READ_INTERVAL_SECONDS = 600.0
#: Half of the time that a reading takes is how far it may be off. Venues refuse times that are a
#: second ahead of theirs, so a reading that took longer is repeated; the shortest one counts.
READING_MS_MAX = 1000
READINGS_MAX = 3


class VenueClock:
    """One reading of the clock at a time; ``fetch`` returns the venue's time in milliseconds."""

    def __init__(self, fetch: Callable[[], Awaitable[Any]]) -> None:
        self._fetch = fetch
        #: Half of the duration of the last reading, in milliseconds.
        self.error_ms = 0
        #: Monotonic time of the last reading.
        self.read_at = -inf
        self._lock = asyncio.Lock()

    def is_stale(self) -> bool:
        """Returns whether the last reading is too old."""
        return monotonic() - self.read_at > READ_INTERVAL_SECONDS

    async def read(self, exchange: Any, *, unless_since: float | None = None) -> None:
        """Set the difference that ``exchange`` signs with; nothing where it was read after
        ``unless_since``.

        Raises ``ReadFailed``.
        """
        async with self._lock:
            if unless_since is not None and self.read_at > unless_since:
                return  # another task has read it meanwhile
            if exchange.has.get("fetchTime"):
                duration, difference = await self._measure(exchange)
                exchange.options["timeDifference"] = difference
                self.error_ms = (duration + 1) // 2
            self.read_at = monotonic()

    async def _measure(self, exchange: Any) -> tuple[int, int]:
        """Duration of the shortest reading, and by how much our clock is ahead of the venue's."""
        readings: list[tuple[int, int]] = []
        while len(readings) < READINGS_MAX:
            before = exchange.milliseconds()
            venue_time = await self._fetch()
            after = exchange.milliseconds()
            if not isinstance(venue_time, int | float | str):
                raise ReadFailed("exchange_error", "the reply has no time", retryable=True)
            readings.append((after - before, int((before + after) / 2 - float(venue_time))))
            if after - before <= READING_MS_MAX:
                break
        return min(readings)
