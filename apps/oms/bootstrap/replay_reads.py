"""What the bot of a replay reads: candles that have closed so far, and known positions."""

from bisect import bisect_left
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.ledger.position import Position
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow, CandleSource
from oms.domain.market.timeframe import Timeframe
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.market.candle_store import CandleSeries


@dataclass(slots=True)
class MemoryCandles:
    """The candles of the run as ``CandleStore``: those that have closed so far."""

    timeframe: Timeframe
    rows: list[CandleRow] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def add(self, candle: Candle) -> None:
        """Add a candle that has closed."""
        at = self.timeframe.next_open(candle.open_time)
        row = CandleRow(candle=candle, is_closed=True, source=CandleSource.FILE, updated_at=at)
        self.rows.append(row)
        self.times.append(candle.open_time)

    async def newest_closed(
        self, series: Collection[CandleSeries]
    ) -> Mapping[CandleSeries, datetime]:
        """Return the open time of the last candle."""
        return dict.fromkeys(series, self.times[-1]) if self.times else {}

    async def closed(
        self, series: CandleSeries, start: datetime | None = None, end: datetime | None = None
    ) -> AsyncIterator[CandleRow]:
        """Yield the candles that open in [start, end)."""
        first = 0 if start is None else bisect_left(self.times, start)
        last = len(self.times) if end is None else bisect_left(self.times, end)
        for index in range(first, last):
            yield self.rows[index]


@dataclass(slots=True)
class KnownPositions:
    """Open positions of the ledger, read again after something happened to the account."""

    history: HistoryReads
    _positions: Sequence[Position] | None = None

    def forget(self) -> None:
        """Read the positions again with the next call."""
        self._positions = None

    async def open_positions(self, window: HistoryQuery, limit: int) -> Sequence[Position]:
        """Return the open positions. Raises ``Unavailable``."""
        if self._positions is None:
            self._positions = await self.history.open_positions(window, limit)
        return self._positions
