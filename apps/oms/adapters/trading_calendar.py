"""The trading calendar from the library ``exchange_calendars``, an optional dependency.

The library is imported with the first question about a session: without stocks a process neither
needs nor loads it. Its sessions are copied once, so that a question is a search in a list.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache

from oms.domain.market_hours import (
    MarketHours,
    Session,
    TradingSession,
    UnknownHours,
    hours_at,
)

_NAMES = {Session.US_EQUITY: "XNYS"}
"""Calendars of the library by session."""

FIRST_DAY = date(2015, 1, 1)
YEARS_AHEAD = 2
"""Years after the present one that are computed."""


class LibraryCalendar:
    """``ports.trading_calendar.TradingCalendar`` on the library's sessions."""

    def hours(self, session: Session, at: datetime) -> MarketHours:
        """Return the hours of a session; raises ``UnknownHours`` also without the library."""
        return hours_at(load_sessions(session), at)


@lru_cache
def load_sessions(session: Session) -> Sequence[TradingSession]:
    """Return all sessions, oldest first. Raises ``UnknownHours`` if there is no calendar."""
    name = _NAMES.get(session)
    if name is None:
        raise UnknownHours(f"session {session.value} has no calendar")
    try:
        from exchange_calendars import get_calendar
    except ImportError as error:
        message = "trading sessions need the optional dependencies: pip install oms-gateway[stocks]"
        raise UnknownHours(message) from error
    last_day = date(datetime.now(UTC).year + YEARS_AHEAD, 12, 31)
    calendar = get_calendar(name, start=FIRST_DAY.isoformat(), end=last_day.isoformat())
    opens, closes = (_instants(column) for column in (calendar.opens, calendar.closes))
    return tuple(
        TradingSession(opens_at=opened, closes_at=closed)
        for opened, closed in zip(opens, closes, strict=True)
    )


def _instants(column: object) -> list[datetime]:
    return [each.to_pydatetime().astimezone(UTC) for each in column]  # type: ignore[attr-defined]
