"""How long who fails must wait: a pure rule over the times of failures, no clock and no store.

So many failures within ``WINDOW`` begin a lock of one second; each failure after that doubles it,
up to ``LOCK_MAX``. Who keeps quiet for ``WINDOW`` after a lock begins anew.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from oms.domain.value import value

FAILURE_WINDOW = timedelta(minutes=15)
LOCK_FIRST = timedelta(seconds=1)
LOCK_MAX = timedelta(seconds=900)
#: Failures of one name, and from one address, before the first lock.
FAILURES_PER_NAME = 5
FAILURES_PER_ADDRESS = 20
_DOUBLINGS_MAX = 10


@value
class LoginAttempt:
    """One try to log in."""

    user_name: str
    ok: bool
    at: datetime


def failures_of(attempts: Sequence[LoginAttempt]) -> Sequence[datetime]:
    """The times of failures, ascending, without those that a name's success made good.

    ``attempts`` ascend too.
    """
    last_good = {attempt.user_name: attempt.at for attempt in attempts if attempt.ok}
    return [
        attempt.at
        for attempt in attempts
        if not attempt.ok
        and (attempt.user_name not in last_good or attempt.at > last_good[attempt.user_name])
    ]


def locked_until(failures: Sequence[datetime], limit: int) -> datetime | None:
    """When the next try may be made after ``failures``, ascending; ``None``: at any time."""
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
