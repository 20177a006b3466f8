"""Funding times: 00:00, 08:00 and 16:00 UTC."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from oms.simulation.state.paper_account import PaperPosition, PositionKey

FUNDING_INTERVAL_HOURS = 8
FUNDING_INTERVAL = timedelta(hours=FUNDING_INTERVAL_HOURS)


def last_funding_time(timestamp: datetime) -> datetime:
    """Returns the last funding time at or before ``timestamp``, which is in UTC."""
    hour = timestamp.hour - timestamp.hour % FUNDING_INTERVAL_HOURS
    return datetime(timestamp.year, timestamp.month, timestamp.day, hour, 0, 0, 0, timestamp.tzinfo)


def next_funding_at(positions: Mapping[PositionKey, PaperPosition]) -> datetime | None:
    """Returns the first funding time that one of the positions has not settled."""
    first: datetime | None = None
    for position in positions.values():
        settled = position.funded_at
        if settled is not None and (first is None or settled < first):
            first = settled
    return None if first is None else last_funding_time(first) + FUNDING_INTERVAL
