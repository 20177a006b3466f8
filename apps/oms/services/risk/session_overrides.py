"""Overridden trading days in the worker: read again before hours are asked for.

They are read at most once a second, and only for accounts that trade stocks.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from oms.ports.admin.session_overrides import SessionOverrideStore
from oms.ports.market.trading_calendar import TradingCalendar
from oms.services.account_state.state import AccountState
from oms.services.risk.market_session import has_sessions

REFRESH_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class SessionOverrideRefresh:
    """Keeps the calendar of the process at most a second behind the stored overrides."""

    store: SessionOverrideStore
    calendar: TradingCalendar
    #: Seconds of a clock that is never set back: the age of what was read.
    monotonic: Callable[[], float] = time.monotonic
    _read_at: float | None = None

    async def __call__(self, state: AccountState) -> None:
        """Bring the hours of the account's markets up to date. Raises ``Unavailable``."""
        if not has_sessions(state):
            return
        now = self.monotonic()
        if self._read_at is None or now - self._read_at >= REFRESH_SECONDS:
            self.calendar.set_overrides(await self.store.all())
            self._read_at = now
