"""The trading calendar: the sessions of markets that are not always open."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.market_hours import MarketHours, Session
from oms.domain.session_override import SessionOverride


class TradingCalendar(Protocol):
    """The hours of markets, with the overrides of an administrator."""

    def hours(self, session: Session, at: datetime) -> MarketHours:
        """Return whether a market is open, and its next open and close.

        Raises ``UnknownHours`` where that is not known.
        """
        ...

    def set_overrides(self, overrides: Sequence[SessionOverride]) -> None:
        """Replace the overridden days, all of them."""
        ...

    def version(self) -> int:
        """Return a number that grows when hours may have changed."""
        ...
