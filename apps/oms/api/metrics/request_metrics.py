"""What this process has served, counted as it goes: for ``/dispatcher/status`` and ``/metrics``.

Counting is a few additions; whatever needs sorting is done when somebody asks. Nothing here is
stored, nothing is shared with other processes.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms.domain.commands.command import COMMAND_TYPES, CommandPayload
from oms.ports.command_queue import CommandRow

SAMPLES_MAX = 2000
"""Commands whose times are remembered: the newest."""


@dataclass(slots=True)
class _Times:
    """All that was ever measured of one kind of command."""

    count: int = 0
    total_ms: float = 0
    max_ms: float = 0


@dataclass(slots=True, kw_only=True)
class RequestMetrics:
    """Counts of one process."""

    started_at: datetime
    requests: int = 0
    errors: int = 0
    #: Answers by status.
    statuses: Counter[int] = field(default_factory=Counter)
    #: Commands that were sent, by kind.
    ops: Counter[str] = field(default_factory=Counter)
    _times: dict[str, _Times] = field(default_factory=dict)
    _samples: deque[tuple[str, float, float | None]] = field(
        default_factory=lambda: deque(maxlen=SAMPLES_MAX)
    )

    def answered(self, status: int) -> None:
        """A request was answered."""
        self.requests += 1
        self.statuses[status] += 1
        if status >= 500:
            self.errors += 1

    def sent(self, payloads: Iterable[CommandPayload], rows: Iterable[CommandRow]) -> None:
        """Commands were sent and, for those of ``rows``, waited for."""
        for payload in payloads:
            self.ops[COMMAND_TYPES[type(payload)]] += 1
        self.ended(rows)

    def ended(self, rows: Iterable[CommandRow]) -> None:
        """Commands have ended and somebody had waited for them."""
        for row in rows:
            if row.finished_at is None:
                continue
            begun = row.started_at or row.created_at
            spent = (row.finished_at - begun).total_seconds() * 1000
            waited = None
            if row.started_at is not None:
                waited = (row.started_at - row.created_at).total_seconds() * 1000
            times = self._times.get(row.command_type)
            if times is None:
                times = self._times[row.command_type] = _Times()
            times.count += 1
            times.total_ms += spent
            times.max_ms = max(times.max_ms, spent)
            self._samples.append((row.command_type, spent, waited))

    def told(self) -> dict[str, Any]:
        """The figures under the names of ``/dispatcher/status``."""
        by_op: dict[str, list[float]] = {}
        for op, spent, _ in self._samples:
            by_op.setdefault(op, []).append(spent)
        waits = [waited for _, _, waited in self._samples if waited is not None]
        return {
            "started_at": self.started_at.timestamp(),
            "total_requests": self.requests,
            "total_errors": self.errors,
            "op_counts": dict(self.ops),
            "timing_samples_count": len(self._samples),
            "queue_wait_ms": _percentiles(waits, (50, 95, 99)),
            "execute_ms": _percentiles([spent for _, spent, _ in self._samples], (50, 95, 99)),
            "op_timing_ms": {op: self._timing(op, by_op.get(op, ())) for op in self._times},
        }

    def _timing(self, op: str, samples: Sequence[float]) -> dict[str, float | int | None]:
        times = self._times[op]
        return {
            "count": times.count,
            "total_ms": round(times.total_ms, 3),
            "avg_ms": round(times.total_ms / times.count, 3),
            "max_ms": round(times.max_ms, 3),
            **{f"{name}_ms": at for name, at in _percentiles(samples, (95, 99)).items()},
        }


def _percentiles(samples: Sequence[float], parts: Sequence[int]) -> Mapping[str, float | None]:
    ordered = sorted(samples)
    if not ordered:
        return {f"p{part}": None for part in parts}
    last = len(ordered) - 1
    return {f"p{part}": round(ordered[round(last * part / 100)], 3) for part in parts}
