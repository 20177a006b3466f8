"""The refresh of marks: what the leased accounts hold is looked up, and new prices are stored.

A feed reads each of its symbols within four fifths of the refresh interval; a fifth is left for
storing what it read. So a change of a price is stored within one interval.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from oms.services.performance.refresh_marks import RefreshMarks
from oms.worker.leases import LeaseKeeper

READ_SHARE = 0.8
"""The share of the interval in which feeds read."""


@dataclass(slots=True, kw_only=True)
class MarkScheduler:
    """The marks of one worker."""

    keeper: LeaseKeeper
    refresh: RefreshMarks
    #: ``desk.price_refresh_seconds``.
    interval_seconds: float
    monotonic: Callable[[], float] = time.monotonic
    _look_at: float = field(default=0.0)

    @property
    def round_seconds(self) -> float:
        """Return how long to wait between two rounds."""
        return self.interval_seconds * (1 - READ_SHARE)

    async def __call__(self) -> None:
        """Store new prices, of the accounts that were held at the last look.

        Raises ``Unavailable``.
        """
        now = self.monotonic()
        if now >= self._look_at:
            await self.refresh.look(sorted(key for key in self.keeper.held if key))
            self._look_at = now + self.interval_seconds
        await self.refresh.store()

    def price_ages(self) -> Mapping[str, float]:
        """Return the age in seconds of the oldest price of each exchange."""
        return {source: round(age, 3) for source, age in self.refresh.price_ages().items()}

    async def close(self) -> None:
        """Close the feeds."""
        await self.refresh.close()
