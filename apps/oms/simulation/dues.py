"""When funding is due: at 00:00, 08:00 and 16:00 UTC."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from oms.simulation.memory import PaperPosition, PositionKey

HOURS = 8
EVERY = timedelta(hours=HOURS)


def due_by(moment: datetime) -> datetime:
    """The last funding time at or before ``moment``, which is in UTC."""
    hour = moment.hour - moment.hour % HOURS
    return datetime(moment.year, moment.month, moment.day, hour, 0, 0, 0, moment.tzinfo)


def funding_due(positions: Mapping[PositionKey, PaperPosition]) -> datetime | None:
    """The first time that one of the positions has not settled yet."""
    first: datetime | None = None
    for position in positions.values():
        settled = position.funded_at
        if settled is not None and (first is None or settled < first):
            first = settled
    return None if first is None else due_by(first) + EVERY
