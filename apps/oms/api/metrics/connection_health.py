"""Parts of the health report that workers measure: streams and prices of exchanges, the queue."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.wire.json import time_text
from oms.wire.responses.health_rows import HealthPart

STREAM_SECONDS_MAX = 30.0
"""How long a stream may be disconnected; meanwhile the account is polled."""
QUEUE_AGE_SECONDS_MAX = 10.0
STALE_INTERVALS = 3
"""Refresh intervals after which a price at an exchange is stale."""

Heartbeat = Mapping[str, Any]


def streams_part(heartbeats: Sequence[Heartbeat], at: datetime) -> HealthPart:
    """Return for how long a stream of an account is disconnected, the longest."""
    seconds = [age for each in heartbeats for age in each.get("streams", {}).values()]
    longest = max(seconds, default=None)
    return _part(longest, STREAM_SECONDS_MAX, at, is_ok=True)


def prices_part(
    heartbeats: Sequence[Heartbeat], refresh_seconds: float, at: datetime
) -> HealthPart:
    """Return the age of the oldest price of what accounts at exchanges hold.

    It is not ok either while a symbol with stop levels has no fresh price, or live prices of a
    paper account cannot be read.
    """
    ages = [age for each in heartbeats for age in each.get("price_ages", {}).values()]
    missing = sum(
        each.get("stale_symbols", 0) + each.get("unpriced_accounts", 0) for each in heartbeats
    )
    limit = STALE_INTERVALS * refresh_seconds
    return _part(max(ages, default=None), limit, at, is_ok=not missing)


def queue_age_part(since: datetime | None, at: datetime) -> HealthPart:
    """Return for how long the oldest command waits that may be executed."""
    age = 0.0 if since is None else max((at - since).total_seconds(), 0.0)
    return _part(age, QUEUE_AGE_SECONDS_MAX, at, is_ok=True)


def _part(measured: float | None, limit: float, at: datetime, *, is_ok: bool) -> HealthPart:
    return {
        "ok": is_ok and (measured is None or measured < limit),
        "value": None if measured is None else round(measured, 3),
        "limit": limit,
        "at": time_text(at),
    }
