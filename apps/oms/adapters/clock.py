"""The system clock, and a clock that is set."""

from datetime import UTC, datetime


class SystemClock:
    """``ports.clock.Clock`` on the system clock."""

    def now(self) -> datetime:
        """Return the current UTC time with microseconds."""
        return datetime.now(UTC)


SYSTEM_CLOCK = SystemClock()


class SettableClock:
    """``ports.clock.Clock`` that stands still until it is set."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._now = start

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self._now

    def set(self, now: datetime) -> None:
        """Set it. Raises ``ValueError`` for a time before the current one."""
        if now < self._now:
            raise ValueError(f"{now} is before {self._now}")
        self._now = now

    def elapsed_seconds(self) -> float:
        """Return the seconds since its start, as a monotonic clock does."""
        return (self._now - self._start).total_seconds()
