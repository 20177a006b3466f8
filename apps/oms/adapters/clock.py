"""The clock of this machine."""

from datetime import UTC, datetime


class SystemClock:
    """Tells the machine's time in UTC."""

    def now(self) -> datetime:
        """Now, with microseconds."""
        return datetime.now(UTC)
