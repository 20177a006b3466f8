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
    settled = [each.funded_at for each in positions.values() if each.funded_at is not None]
    return due_by(min(settled)) + EVERY if settled else None
