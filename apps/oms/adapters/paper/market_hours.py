"""Hours of the symbols of a paper account that do not always trade.

What is closed is computed once for each span between two openings or closings, and again when the
calendar changes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from oms.domain.instrument import Instrument
from oms.domain.market_hours import MarketHours, Session, UnknownHours
from oms.ports.market.trading_calendar import TradingCalendar

_NEVER = datetime.min.replace(tzinfo=UTC)


class PaperHours:
    """The hours of an account's symbols with sessions."""

    def __init__(
        self, instruments: Mapping[str, Instrument], calendar: TradingCalendar | None
    ) -> None:
        self._calendar = calendar
        self._sessions = {
            symbol: instrument.session
            for symbol, instrument in instruments.items()
            if instrument.session is not Session.CONTINUOUS
        }
        self._closed: frozenset[str] = frozenset()
        #: The span of time that ``_closed`` is valid in.
        self._since = self._until = _NEVER
        #: The version of the calendar that ``_closed`` was computed with.
        self._version = 0

    def hours(self, symbol: str, at: datetime) -> MarketHours | None:
        """Returns the hours of a symbol; ``None`` if it always trades. Raises ``UnknownHours``."""
        session = self._sessions.get(symbol)
        if session is None:
            return None
        if self._calendar is None:
            raise UnknownHours("there is no trading calendar")
        return self._calendar.hours(session, at)

    def closed_symbols(self, at: datetime) -> frozenset[str]:
        """Returns the symbols that do not trade at ``at``; where the hours are unknown, all."""
        version = 0 if self._calendar is None else self._calendar.version()
        if version != self._version or not self._since <= at < self._until:
            self._compute(at)
            self._version = version
        return self._closed

    def _compute(self, at: datetime) -> None:
        closed, ends = set(), []
        for symbol in self._sessions:
            try:
                hours = self.hours(symbol, at)
            except UnknownHours:
                hours = None
            if hours is None or not hours.is_open:
                closed.add(symbol)
            ends.append(at if hours is None else min(hours.next_open, hours.next_close))
        self._closed = frozenset(closed)
        self._since, self._until = at, min(ends)
