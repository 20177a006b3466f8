"""The venue's clock, measured against ours: the times of signed requests are those of the venue."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed

READ_INTERVAL_SECONDS = 600.0


class VenueClock:
    """One reading of the clock at a time; ``fetch`` returns the venue's time in milliseconds."""

    def __init__(self, fetch: Callable[[], Awaitable[Any]]) -> None:
        self._fetch = fetch
        #: Half of the duration of the last reading, in milliseconds.
        self.error_ms = 0
        #: Monotonic time of the last reading.
        self.read_at = 0.0
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
                before = exchange.milliseconds()
                venue_time = await self._fetch()
                after = exchange.milliseconds()
                if not isinstance(venue_time, int | float | str):
                    raise ReadFailed("exchange_error", "the reply has no time", retryable=True)
                middle = (before + after) / 2
                exchange.options["timeDifference"] = int(middle - float(venue_time))
                self.error_ms = (after - before + 1) // 2
            self.read_at = monotonic()
