"""The clock: time is passed in, never read directly."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Source of the current time."""

    def now(self) -> datetime:
        """Return the current time: aware, UTC, microseconds."""
        ...
