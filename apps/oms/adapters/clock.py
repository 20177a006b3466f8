"""The system clock."""

from datetime import UTC, datetime


class SystemClock:
    """``ports.clock.Clock`` on the system clock."""

    def now(self) -> datetime:
        """Return the current UTC time with microseconds."""
        return datetime.now(UTC)
