"""Figures of this process and its database over the last day, sampled in memory.

A sample is taken every `SAMPLE_SECONDS`; nothing is stored: a new process has none yet.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from oms.domain.errors import Unavailable

if TYPE_CHECKING:
    from oms.api.context import ApiContext

SAMPLE_SECONDS = 15
POINTS_MAX = 480
WORKER_ALIVE_SECONDS = 15.0

RANGES: Mapping[str, timedelta] = MappingProxyType(
    {
        "15m": timedelta(minutes=15),
        "1h": timedelta(hours=1),
        "6h": timedelta(hours=6),
        "24h": timedelta(hours=24),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSample:
    """Counts since the sample before, and figures of one moment; ``None``: not known."""

    at: datetime
    requests: int
    errors: int
    commands: int
    connections: int
    outbox_lag_ms: float
    database_ms: float | None = None
    queue_depth: int | None = None
    workers: int | None = None


@dataclass(slots=True)
class MetricHistory:
    """The samples of one process."""

    _samples: deque[MetricSample] = field(
        default_factory=lambda: deque(maxlen=int(RANGES["24h"] / timedelta(seconds=SAMPLE_SECONDS)))
    )
    _counted: tuple[int, int, int] = (0, 0, 0)

    async def run(self, context: "ApiContext") -> None:
        """Take samples until cancelled, the first after an interval."""
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            await self.take(context)

    async def take(self, context: "ApiContext") -> None:
        """Take one sample; a database that does not answer leaves its figures out."""
        metrics = context.request_metrics
        before, self._counted = (
            self._counted,
            (
                metrics.requests,
                metrics.errors,
                metrics.ops.total(),
            ),
        )
        requests, errors, commands = (
            now - then for now, then in zip(self._counted, before, strict=True)
        )
        lag = 0.0 if context.websocket is None else context.websocket.lag_seconds()
        sample = MetricSample(
            at=context.clock.now(),
            requests=requests,
            errors=errors,
            commands=commands,
            connections=metrics.connections_open,
            outbox_lag_ms=round(lag * 1000, 3),
        )
        try:
            started = time.perf_counter()
            await context.health.ping()
            sample = replace(sample, database_ms=round((time.perf_counter() - started) * 1000, 3))
            depths = await context.queue_depths.queue.depths()
            workers = await context.leases.workers(WORKER_ALIVE_SECONDS)
            sample = replace(sample, queue_depth=sum(depths.values()), workers=len(workers))
        except Unavailable:
            sample = replace(sample, database_ms=None)
        self.add(sample)

    def add(self, sample: MetricSample) -> None:
        """Keep a sample; those older than a day are dropped."""
        self._samples.append(sample)

    def series(self, since: datetime, points_max: int = POINTS_MAX) -> Sequence[MetricSample]:
        """Return samples from ``since`` on, oldest first, at most ``points_max``.

        Of longer series each point joins the same number of samples: counts are added, of figures
        the worst remains, so that no peak is lost.
        """
        samples = [each for each in self._samples if each.at >= since]
        size = -(-len(samples) // points_max) if samples else 1
        return [_join(part) for part in _parts(samples, size)]


def _parts(samples: Sequence[MetricSample], size: int) -> Iterator[Sequence[MetricSample]]:
    for first in range(0, len(samples), size):
        yield samples[first : first + size]


def _join(part: Sequence[MetricSample]) -> MetricSample:
    return MetricSample(
        at=part[-1].at,
        requests=sum(each.requests for each in part),
        errors=sum(each.errors for each in part),
        commands=sum(each.commands for each in part),
        connections=max(each.connections for each in part),
        outbox_lag_ms=max(each.outbox_lag_ms for each in part),
        database_ms=max((e.database_ms for e in part if e.database_ms is not None), default=None),
        queue_depth=max((e.queue_depth for e in part if e.queue_depth is not None), default=None),
        workers=min((e.workers for e in part if e.workers is not None), default=None),
    )
