"""The trading calendar: the sessions of markets that are not always open."""

from datetime import datetime
from typing import Protocol

from oms.domain.market_hours import MarketHours, Session


class TradingCalendar(Protocol):
    """The hours of markets."""

    def hours(self, session: Session, at: datetime) -> MarketHours:
        """Return whether a market is open, and its next open and close.

        Raises ``UnknownHours`` where that is not known.
        """
        ...
