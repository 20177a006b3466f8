"""The day over which a loss is counted: from midnight of a time zone on."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def day_start(now: datetime, zone: str) -> datetime:
    """Return the last midnight of the zone; its first instant of the day where it has none."""
    local = now.astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
