"""The time, asked for and never assumed."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The current time: aware, UTC, microseconds."""
        ...
