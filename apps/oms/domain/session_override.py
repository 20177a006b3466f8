"""Overrides of trading days: a market that is closed, or has other hours, than its calendar says.

Hours are local times of the market; all sessions are in UTC.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from oms.domain.market_hours import Session, TradingSession
from oms.domain.value import value

ZONES: Mapping[Session, str] = {Session.US_EQUITY: "America/New_York"}
"""Time zones of the markets with sessions: those that have a calendar."""

DAYS_AHEAD_MAX = 3 * 366
"""How many days ahead an override may be: further than any calendar reaches."""


@value
class SessionOverride:
    """The hours of one day of a market; without ``opens`` and ``closes`` it is closed that day."""

    #: 0 before it is stored.
    id: int = 0
    session: Session
    day: date
    opens: time | None = None
    closes: time | None = None
    comment: str
    set_by: str = ""
    set_by_user_id: int | None = None
    set_at: datetime

    @property
    def is_closed(self) -> bool:
        """Whether the market is closed all day."""
        return self.opens is None

    @property
    def trading_session(self) -> TradingSession | None:
        """The session of the day; ``None`` if it is closed."""
        if self.opens is None or self.closes is None:
            return None
        return TradingSession(
            opens_at=self._instant(self.opens), closes_at=self._instant(self.closes)
        )

    def _instant(self, local: time) -> datetime:
        zone = ZoneInfo(ZONES[self.session])
        return datetime.combine(self.day, local, zone).astimezone(UTC)


def local_day(session: Session, at: datetime) -> date:
    """Return the date in the market's time zone."""
    return at.astimezone(ZoneInfo(ZONES[session])).date()


def apply_overrides(
    session: Session, sessions: Sequence[TradingSession], overrides: Sequence[SessionOverride]
) -> Sequence[TradingSession]:
    """Return the sessions of a calendar, oldest first, with the overridden days as they say.

    Days outside the calendar stay unknown: an override there has no effect.
    """
    if not sessions:
        return sessions
    first, last = (local_day(session, sessions[index].opens_at) for index in (0, -1))
    by_day = {each.day: each for each in overrides if first <= each.day <= last}
    if not by_day:
        return sessions
    kept = [each for each in sessions if local_day(session, each.opens_at) not in by_day]
    added = [each.trading_session for each in by_day.values()]
    merged = [*kept, *(each for each in added if each is not None)]
    return tuple(sorted(merged, key=lambda each: each.opens_at))
