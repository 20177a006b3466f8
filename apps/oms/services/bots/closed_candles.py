"""Which candles have closed, of the series of all bots of a process, in one query a second."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from oms.ports.market.candle_store import CandleSeries, CandleStore

ROUND_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class ClosedCandles:
    """The open times of the newest closed candles."""

    candles: CandleStore
    monotonic: Callable[[], float] = time.monotonic
    #: By bot, the series that it decides on.
    _series: dict[int, Collection[CandleSeries]] = field(default_factory=dict)
    _newest: Mapping[CandleSeries, datetime] = field(default_factory=dict)
    _read_at: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def follow(self, bot_id: int, series: Collection[CandleSeries]) -> None:
        """Read these series from now on."""
        self._series[bot_id] = series
        self._read_at = float("-inf")

    def forget(self, bot_id: int) -> None:
        """Read the series of a bot no longer."""
        self._series.pop(bot_id, None)

    async def newest(self) -> Mapping[CandleSeries, datetime]:
        """Return the newest closed candles, at most a round old. Raises ``Unavailable``."""
        async with self._lock:
            began_at = self.monotonic()
            if began_at - self._read_at >= ROUND_SECONDS * 0.9:
                series = {each for own in self._series.values() for each in own}
                self._newest = await self.candles.newest_closed(sorted(series, key=_order))
                self._read_at = began_at
        return self._newest


def _order(series: CandleSeries) -> tuple[int, str]:
    return series.instrument_id, series.timeframe.value
