"""Database counts for the metrics endpoint, queried on request."""

from datetime import datetime
from typing import Protocol

from oms.domain.value import value


@value
class DatabaseCounts:
    """Counts of the database at one time."""

    #: Control commands that wait for their worker.
    control_queue_depth: int
    #: Orders with unknown outcome.
    orders_unknown: int
    #: Time of the oldest of them; ``None`` if there is none.
    orders_unknown_since: datetime | None = None
    #: Since when the oldest command waits that may be executed; ``None`` if there is none.
    queued_since: datetime | None = None


class MetricsQuery(Protocol):
    """Queries the counts; every query uses an index."""

    async def __call__(self) -> DatabaseCounts:
        """Return the counts. Raises ``Unavailable``."""
        ...
