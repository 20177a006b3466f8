"""Counts of requests and commands served by this process, for status and metrics.

Counting costs a few additions; percentiles are computed on read. Nothing is stored or shared with
other processes.
"""

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from oms.domain.commands.command import COMMAND_TYPES, CommandPayload
from oms.ports.command_queue import CommandRow
from oms.wire.responses.gateway_status import OperationTiming, Percentiles, RequestMetricsRow

SAMPLES_MAX = 2000
"""Number of newest commands whose durations are kept for percentiles."""


BUCKET_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Upper bounds of the histograms' buckets, inclusive."""


@dataclass(slots=True)
class DurationHistogram:
    """Durations counted in buckets, for Prometheus."""

    sum_seconds: float = 0.0
    #: Per bound of ``BUCKET_SECONDS``, and above the last.
    _counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKET_SECONDS) + 1))

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.sum_seconds += seconds
        self._counts[bisect_left(BUCKET_SECONDS, seconds)] += 1

    def cumulative_buckets(self) -> list[tuple[str, float]]:
        """Return (bound, number of durations up to it) of each bucket, the last is ``+Inf``."""
        bounds = [*(str(bound) for bound in BUCKET_SECONDS), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True))


@dataclass(slots=True)
class _Times:
    """Sums over all commands of one type."""

    count: int = 0
    total_ms: float = 0
    max_ms: float = 0


@dataclass(slots=True, kw_only=True)
class RequestMetrics:
    """Counters of one process."""

    started_at: datetime
    requests: int = 0
    errors: int = 0
    #: Responses by HTTP status.
    statuses: Counter[int] = field(default_factory=Counter)
    #: Client connections, and those that the server closed, by reason.
    connections_open: int = 0
    connections_closed: Counter[str] = field(default_factory=Counter)
    #: Reports of browsers about the page's content security policy, by what became of them.
    csp_reports: Counter[str] = field(default_factory=Counter)
    #: Requests with a session cookie that may come from a foreign page, by the rule they break.
    csrf_refused: Counter[str] = field(default_factory=Counter)
    #: Requests for signals by name of the source and what they were answered.
    signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Submitted commands by type.
    ops: Counter[str] = field(default_factory=Counter)
    #: From start to end, by command type.
    execution_seconds: defaultdict[str, DurationHistogram] = field(
        default_factory=lambda: defaultdict(DurationHistogram)
    )
    #: From submission to start, by command type.
    queue_wait_seconds: defaultdict[str, DurationHistogram] = field(
        default_factory=lambda: defaultdict(DurationHistogram)
    )
    _times: dict[str, _Times] = field(default_factory=dict)
    _samples: deque[tuple[str, float, float | None]] = field(
        default_factory=lambda: deque(maxlen=SAMPLES_MAX)
    )

    def count_response(self, status: int) -> None:
        """Count one response."""
        self.requests += 1
        self.statuses[status] += 1
        if status >= 500:
            self.errors += 1

    def count_commands(
        self, payloads: Iterable[CommandPayload], rows: Iterable[CommandRow]
    ) -> None:
        """Count submitted commands and record the durations of the awaited ``rows``."""
        for payload in payloads:
            self.ops[COMMAND_TYPES[type(payload)]] += 1
        self.record_times(rows)

    def record_times(self, rows: Iterable[CommandRow]) -> None:
        """Record the durations of commands that have ended."""
        for row in rows:
            if row.finished_at is None:
                continue
            started_at = row.started_at or row.created_at
            execute_seconds = (row.finished_at - started_at).total_seconds()
            self.execution_seconds[row.command_type].observe(execute_seconds)
            execute_ms = execute_seconds * 1000
            queue_wait_ms = None
            if row.started_at is not None:
                queue_wait_seconds = (row.started_at - row.created_at).total_seconds()
                self.queue_wait_seconds[row.command_type].observe(queue_wait_seconds)
                queue_wait_ms = queue_wait_seconds * 1000
            times = self._times.get(row.command_type)
            if times is None:
                times = self._times[row.command_type] = _Times()
            times.count += 1
            times.total_ms += execute_ms
            times.max_ms = max(times.max_ms, execute_ms)
            self._samples.append((row.command_type, execute_ms, queue_wait_ms))

    def snapshot(self) -> RequestMetricsRow:
        """Return the metrics under the names of ``/dispatcher/status``."""
        by_op: dict[str, list[float]] = {}
        for op, execute_ms, _ in self._samples:
            by_op.setdefault(op, []).append(execute_ms)
        waits = [
            queue_wait_ms for _, _, queue_wait_ms in self._samples if queue_wait_ms is not None
        ]
        return {
            "started_at": self.started_at.timestamp(),
            "total_requests": self.requests,
            "total_errors": self.errors,
            "op_counts": dict(self.ops),
            "timing_samples_count": len(self._samples),
            "queue_wait_ms": _percentiles(waits),
            "execute_ms": _percentiles([execute_ms for _, execute_ms, _ in self._samples]),
            "op_timing_ms": {op: self._timing(op, by_op.get(op, ())) for op in self._times},
        }

    def _timing(self, op: str, samples: Sequence[float]) -> OperationTiming:
        times = self._times[op]
        percentiles = _percentiles(samples)
        return {
            "count": times.count,
            "total_ms": round(times.total_ms, 3),
            "avg_ms": round(times.total_ms / times.count, 3),
            "max_ms": round(times.max_ms, 3),
            "p95_ms": percentiles["p95"],
            "p99_ms": percentiles["p99"],
        }


def _percentiles(samples: Sequence[float]) -> Percentiles:
    ordered = sorted(samples)
    if not ordered:
        return {"p50": None, "p95": None, "p99": None}

    def at(percent: int) -> float:
        return round(ordered[round((len(ordered) - 1) * percent / 100)], 3)

    return {"p50": at(50), "p95": at(95), "p99": at(99)}
