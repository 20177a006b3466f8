"""Figures of the house for those who watch it: counted when they are asked for."""

from datetime import datetime
from typing import Protocol

from oms.domain.value import value


@value
class DatabaseCounts:
    """What the database holds at this moment."""

    #: Control commands that wait for their worker.
    control_queue_depth: int
    #: Orders whose answer was lost and not found yet.
    orders_unknown: int
    #: Since when the oldest of them is; ``None`` where there is none.
    orders_unknown_since: datetime | None = None


class MetricsQuery(Protocol):
    """Counts; an index leads to each."""

    async def __call__(self) -> DatabaseCounts:
        """Raises ``Unavailable``."""
        ...
