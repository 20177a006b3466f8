"""Limits of one process on signals: per source and minute, and on failed credentials per peer."""

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from oms.domain.errors import RateLimited

WINDOW_SECONDS = 60.0
FAILURES_MAX = 20
"""Failed attempts of a peer within the window; then nothing of it is compared."""
COUNTED_MAX = 10_000
"""Peers, and sources, that are counted at a time."""

Name = TypeVar("Name", int, str)


@dataclass(slots=True, kw_only=True)
class SignalLimits:
    """Counts signals of sources and failures of peers; ``monotonic`` is in seconds."""

    monotonic: Callable[[], float]
    #: Attempts refused since the start.
    failures: int = 0
    _received: OrderedDict[int, deque[float]] = field(default_factory=OrderedDict)
    _failed: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def check_peer(self, ip: str) -> None:
        """Raise ``RateLimited`` if too many credentials of the peer failed lately."""
        wait = self._wait(self._failed.get(ip), FAILURES_MAX)
        if wait:
            message = "too many failed attempts from this address"
            raise RateLimited(message, reason="failed_attempts", retry_after_seconds=wait)

    def count_failure(self, ip: str) -> None:
        """Count an attempt with credentials that do not count."""
        self.failures += 1
        self._add(self._failed, ip)

    def take(self, source_id: int, per_minute: int) -> None:
        """Count a signal. Raises ``RateLimited``, and counts nothing, above the limit."""
        wait = self._wait(self._received.get(source_id), per_minute)
        if wait:
            message = f"the source may send {per_minute} signals per minute"
            raise RateLimited(message, reason="source_rate", retry_after_seconds=wait)
        self._add(self._received, source_id)

    def _wait(self, moments: deque[float] | None, most: int) -> int:
        """Return for how many seconds one more is too much; drops those out of the window."""
        now = self.monotonic()
        while moments and moments[0] <= now - WINDOW_SECONDS:
            moments.popleft()
        if not moments or len(moments) < most:
            return 0
        return max(1, math.ceil(moments[0] + WINDOW_SECONDS - now))

    def _add(self, counted: OrderedDict[Name, deque[float]], name: Name) -> None:
        counted.setdefault(name, deque()).append(self.monotonic())
        counted.move_to_end(name)
        if len(counted) > COUNTED_MAX:
            counted.popitem(last=False)
