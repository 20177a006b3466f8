"""Deliveries: one message of one event to one sink, sent until it arrives or is given up."""

from datetime import datetime, timedelta
from enum import StrEnum

from oms.domain.value import value

RETRY_DELAYS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
)
"""Pause after each failed attempt; the last one is repeated."""
GIVEN_UP_AFTER = timedelta(hours=24)
"""A message that did not arrive this long after it was queued is dead."""
ATTEMPT_SECONDS_MAX = 5
"""A sink that has not answered by then has failed."""


class DeliveryStatus(StrEnum):
    """What became of a message."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    DEAD = "dead"


@value
class Delivery:
    """One message; ``body`` is the exact text that is sent."""

    id: int
    sink_id: int
    event_id: int
    account_id: int
    event: str
    body: str
    status: DeliveryStatus
    attempts: int
    next_at: datetime
    #: It is given up then.
    expires_at: datetime
    created_at: datetime
    delivered_at: datetime | None = None
    last_error: str | None = None


def next_attempt(delivery: Delivery, now: datetime) -> datetime | None:
    """Return when to send again after the attempt of now failed; ``None``: never.

    ``delivery.attempts`` does not count this attempt yet.
    """
    at = now + RETRY_DELAYS[min(delivery.attempts, len(RETRY_DELAYS) - 1)]
    return at if at < delivery.expires_at else None
