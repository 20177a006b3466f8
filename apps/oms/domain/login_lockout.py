"""Login lockout: how long logins are locked after failures; pure, without clock or storage.

Too many failures within ``FAILURE_WINDOW`` start a lock of one second; every further failure
doubles it, up to ``LOCK_MAX``. ``FAILURE_WINDOW`` without failures after a lock resets the count.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from oms.domain.value import value

FAILURE_WINDOW = timedelta(minutes=15)
LOCK_FIRST = timedelta(seconds=1)
LOCK_MAX = timedelta(seconds=900)
#: Failures per user name and per address before the first lock.
FAILURES_PER_NAME = 5
FAILURES_PER_ADDRESS = 20
_DOUBLINGS_MAX = 10
#: One host or site usually owns a whole IPv6 network of this length.
_IPV6_PREFIX = 64


@value
class LoginAttempt:
    """One login attempt."""

    user_name: str
    ok: bool
    at: datetime


def failures_of(attempts: Sequence[LoginAttempt]) -> Sequence[datetime]:
    """Return the times of failures, ascending, without those before a later success of the same
    name.

    ``attempts`` must be ascending.
    """
    last_success = {attempt.user_name: attempt.at for attempt in attempts if attempt.ok}
    return [
        attempt.at
        for attempt in attempts
        if not attempt.ok
        and (attempt.user_name not in last_success or attempt.at > last_success[attempt.user_name])
    ]


def lockout_address(ip: str) -> str:
    """Return the address that failures from ``ip`` count for: an IPv6 address as its /64."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    if not isinstance(address, IPv6Address) or address.is_loopback:
        return ip
    return str(ip_network((int(address), _IPV6_PREFIX), strict=False))


def locked_until(failures: Sequence[datetime], limit: int) -> datetime | None:
    """Return when the next attempt is allowed after ``failures`` (ascending); ``None``: at any
    time.
    """
    recent: deque[datetime] = deque()
    until: datetime | None = None
    doublings = 0
    for at in failures:
        if until is not None and at - until > FAILURE_WINDOW:
            until, doublings = None, 0
            recent.clear()
        if until is None:
            recent.append(at)
            while at - recent[0] > FAILURE_WINDOW:
                recent.popleft()
            if len(recent) < limit:
                continue
        lock = min(LOCK_FIRST * 2 ** min(doublings, _DOUBLINGS_MAX), LOCK_MAX)
        until = at + lock
        doublings += 1
    return until
