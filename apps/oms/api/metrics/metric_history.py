"""Figures of this process and its database over the last day, sampled in memory.

A sample is taken every `SAMPLE_SECONDS`; nothing is stored: a new process has none yet.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

SAMPLE_SECONDS = 15
POINTS_MAX = 480

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
    _totals: tuple[int, int, int] = (0, 0, 0)

    def since_last(self, totals: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return how much each total grew since the last call."""
        before, self._totals = self._totals, totals
        return totals[0] - before[0], totals[1] - before[1], totals[2] - before[2]

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
