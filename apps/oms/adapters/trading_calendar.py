"""The trading calendar from the library ``exchange_calendars``, an optional dependency.

The library is imported with the first question about a session: without stocks a process neither
needs nor loads it. Its sessions are copied once, and merged with the overrides once per change, so
that a question is a search in a list.
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
from oms.domain.session_override import SessionOverride, apply_overrides

_NAMES = {Session.US_EQUITY: "XNYS"}
"""Calendars of the library by session."""

FIRST_DAY = date(2015, 1, 1)
YEARS_AHEAD = 2
"""Years after the present one that are computed."""


class LibraryCalendar:
    """``ports.trading_calendar.TradingCalendar`` on the library's sessions."""

    def __init__(self) -> None:
        self._overrides: tuple[SessionOverride, ...] = ()
        #: Sessions with the overrides, as far as they were asked for.
        self._merged: dict[Session, Sequence[TradingSession]] = {}
        self._version = 0

    def hours(self, session: Session, at: datetime) -> MarketHours:
        """Return the hours of a session; raises ``UnknownHours`` also without the library."""
        merged = self._merged.get(session)
        if merged is None:
            own = [each for each in self._overrides if each.session is session]
            merged = apply_overrides(session, load_sessions(session), own)
            self._merged[session] = merged
        return hours_at(merged, at)

    def set_overrides(self, overrides: Sequence[SessionOverride]) -> None:
        """Replace the overridden days, all of them."""
        if self._overrides != (new := tuple(overrides)):
            self._overrides = new
            self._merged.clear()
            self._version += 1

    def version(self) -> int:
        """Return how many times the overrides have changed."""
        return self._version


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
