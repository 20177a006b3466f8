"""The day over which losses and signals are counted: from midnight of a time zone on."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


def day_start(now: datetime, zone: str) -> datetime:
    """Return the last midnight of the zone; its first instant of the day where it has none."""
    return _day_start(now.replace(second=0, microsecond=0), zone)


@lru_cache(maxsize=256)  # clocks are changed at whole minutes
def _day_start(minute: datetime, zone: str) -> datetime:
    local = minute.astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
