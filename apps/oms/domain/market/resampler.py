"""Larger candles from smaller ones, one at a time."""

from collections.abc import Sequence
from datetime import datetime

from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import total


class Resampler:
    """Makes candles of one timeframe from those of a smaller one, in ascending order.

    A candle is returned only if each of its parts was pushed, and with the last of them, so it is
    never known before its close time. Its volume is ``None`` if that of a part is.
    """

    def __init__(self, source: Timeframe, target: Timeframe) -> None:
        """Raise ``ValueError`` unless candles of ``target`` consist of those of ``source``."""
        if not target.contains(source):
            raise ValueError(f"candles of {target.value} do not consist of those of {source.value}")
        self._source = source
        self._target = target
        self._parts: list[Candle] = []

    def push(self, candle: Candle) -> Candle | None:
        """Return the larger candle that ``candle`` completes, if it completes one."""
        opened = self._target.open_of(candle.open_time)
        if candle.open_time == opened:
            self._parts = [candle]
        elif self._parts and candle.open_time == self._source.next_open(self._parts[-1].open_time):
            self._parts.append(candle)
        else:
            self._parts = []
        closes_at = self._source.next_open(candle.open_time)
        if not self._parts or closes_at != self._target.next_open(opened):
            return None
        return join_candles(opened, self._parts)


def join_candles(open_time: datetime, parts: Sequence[Candle]) -> Candle:
    """Return the candle of its parts, in ascending order; its volume is ``None`` if one is."""
    volumes = [part.volume for part in parts if part.volume is not None]
    return Candle(
        open_time=open_time,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=parts[-1].close,
        volume=total(volumes) if len(volumes) == len(parts) else None,
    )
