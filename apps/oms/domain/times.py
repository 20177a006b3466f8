"""Times as texts."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=4096)  # the same time is written in several columns of several rows
def utc_text(moment: datetime) -> str:
    """Return ``2026-02-25T20:00:00.123456Z``, which sorts by time; ``moment`` must be aware."""
    if moment.tzinfo is not UTC:
        assert moment.tzinfo is not None, "times are aware"
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
