"""Trading sessions: when a market is open.

A session is half-open: it trades at its open and no more at its close. All instants are UTC.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from oms.domain.errors import OmsError
from oms.domain.value import value


class Session(StrEnum):
    """When an instrument trades."""

    CONTINUOUS = "24x7"
    #: The regular sessions of the stock exchanges in New York.
    US_EQUITY = "us_equity"


class UnknownHours(OmsError):
    """It is not known whether a market is open: no calendar, or beyond its end."""

    code = "calendar_unavailable"


@value
class TradingSession:
    """One session of a market, from ``opens_at`` to before ``closes_at``."""

    opens_at: datetime
    closes_at: datetime


@value
class MarketHours:
    """Whether a market is open at an instant, and when it opens and closes next after it."""

    is_open: bool
    next_open: datetime
    next_close: datetime


def hours_at(sessions: Sequence[TradingSession], at: datetime) -> MarketHours:
    """Return the hours at ``at``; ``sessions`` are ordered and do not overlap.

    Raises ``UnknownHours`` before the first session and where no session follows.
    """
    following = bisect_right(sessions, at, key=lambda session: session.opens_at)
    if not following or following == len(sessions):
        raise UnknownHours(f"the trading calendar does not reach {at.isoformat()}")
    current, upcoming = sessions[following - 1], sessions[following]
    is_open = at < current.closes_at
    return MarketHours(
        is_open=is_open,
        next_open=upcoming.opens_at,
        next_close=current.closes_at if is_open else upcoming.closes_at,
    )


def session_of(symbol: str) -> Session:
    """Return when a symbol trades: a ticker without quote currency is that of a US stock."""
    return Session.CONTINUOUS if "/" in symbol else Session.US_EQUITY
