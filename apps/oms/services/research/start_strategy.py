"""Starts a strategy in a process: its version is pinned, and it is checked for look-ahead."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from oms.domain.market.candle import Candle
from oms.domain.value import value
from oms.ports.clock import Clock
from oms.ports.market.candle_store import CandleSeries, CandleStore
from oms.ports.research.strategy_process import (
    StartedStrategy,
    StrategyProcess,
    StrategyStart,
)
from oms.ports.research.strategy_versions import StrategyVersion, StrategyVersions

CANDLES_PER_PART = 1000


@value
class PinnedStrategy:
    """A strategy that waits for candles in its process, and its stored version."""

    started: StartedStrategy
    version: StrategyVersion


@value
class StartStrategy:
    """Starts strategies on stored candles."""

    versions: StrategyVersions
    candles: CandleStore
    clock: Clock

    async def __call__(
        self, process: StrategyProcess, request: StrategyStart, series: CandleSeries | None
    ) -> PinnedStrategy:
        """Start a strategy; a version that has not passed the look-ahead check is checked first.

        Without ``series`` it is not.

        Raises ``NotFound``, ``Invalid`` (``lookahead_detected`` too), ``StrategyFailed``,
        ``Conflict`` with the reason ``code_changed``, ``Unavailable``.
        """
        started = await process.start(request)
        version = await self.versions.pin(
            started.name,
            started.version,
            started.code_hash,
            started.parameters,
            self.clock.now(),
        )
        if series is not None and version.checked_at is None:
            await self._check(process, started, version, series)
        return PinnedStrategy(started=started, version=version)

    async def _check(
        self,
        process: StrategyProcess,
        started: StartedStrategy,
        version: StrategyVersion,
        series: CandleSeries,
    ) -> None:
        """Check the newest candles; one without any decision proves nothing and is repeated."""
        rows = await self.candles.newest(
            series, start=None, end=None, limit=started.checked_candles
        )
        candles = [row.candle for row in rows]
        found = await process.calculate("lookahead", {}, parts_of(candles))
        if found["decisions"]:
            await self.versions.record_check(version.id, self.clock.now())


async def stored_parts(
    store: CandleStore, series: CandleSeries, end: datetime | None
) -> AsyncIterator[Sequence[Candle]]:
    """Yield all closed candles before ``end``, ascending, in parts. Raises ``Unavailable``."""
    part: list[Candle] = []
    async for row in store.closed(series, end=end):
        part.append(row.candle)
        if len(part) == CANDLES_PER_PART:
            yield part
            part = []
    if part:
        yield part


async def parts_of(candles: Sequence[Candle]) -> AsyncIterator[Sequence[Candle]]:
    """Yield candles in parts that one message of a process takes."""
    for start in range(0, len(candles), CANDLES_PER_PART):
        yield candles[start : start + CANDLES_PER_PART]
