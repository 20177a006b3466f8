"""Browser sessions: what is stored of one, and how long it lasts.

A session is a login token that a browser sends in a cookie. It stands for one API key. Its idle end
moves with each request that changes something, its end does not move.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from oms.domain.value import evolve, value

SESSION_PREFIX = "ses_"
"""Begins the text of every session; no key and no login token begins so."""

SESSIONS_PER_USER_MAX = 20
CONFIRMATION_TIME = timedelta(minutes=5)
EXPIRY_NOTICE = timedelta(seconds=60)
"""How long before its end a session is announced to its WebSocket connections."""


class SessionMode(StrEnum):
    """What a session was started with."""

    PASSWORD = "password"
    API_KEY = "api_key"


@value
class BrowserSession:
    """A session without its text."""

    id: int
    mode: SessionMode
    created_at: datetime
    #: It ends then without a request that changes something; at most ``ends_at``.
    idle_ends_at: datetime
    ends_at: datetime
    #: Until when dangerous changes are allowed without another confirmation.
    confirmed_until: datetime | None = None

    def is_confirmed(self, now: datetime) -> bool:
        """Return whether its user confirmed his identity a short time ago."""
        return self.confirmed_until is not None and self.confirmed_until > now

    def extended(self, now: datetime, idle: timedelta) -> "BrowserSession":
        """Return the session after a request at ``now`` that changes something."""
        return evolve(self, idle_ends_at=max(self.idle_ends_at, min(now + idle, self.ends_at)))


def session_end(started_at: datetime, longest: timedelta, key_end: datetime | None) -> datetime:
    """Return when a session ends at the latest: never later than its key."""
    end = started_at + longest
    return end if key_end is None else min(end, key_end)
