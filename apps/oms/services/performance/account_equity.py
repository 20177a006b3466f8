"""Equity and the result of the day of an account, for limits that are counted against them.

Both are read at most once a second and account, and only where a limit needs them. The result of a
day is what was earned since its beginning, less fees, and the change of what is not realized:
deposits and withdrawals are no part of it, whether the ledger knows of them or not.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.money import subtract
from oms.domain.risk.limit_context import AccountEquity
from oms.domain.risk.risk_day import day_start
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.performance.equity_snapshots import EquitySnapshotStore
from oms.services.performance.value_accounts import ValueAccounts

REFRESH_SECONDS = 1.0
ACCOUNTS_CACHED_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAccountEquity:
    """Reads the equity of accounts."""

    value_accounts: ValueAccounts
    snapshots: EquitySnapshotStore
    history: HistoryReads
    #: Seconds of a clock that is never set back: the age of what is cached.
    monotonic: Callable[[], float] = time.monotonic
    #: By account id and time zone.
    _cache: dict[tuple[int, str], tuple[float, AccountEquity]] = field(default_factory=dict)

    async def __call__(self, account_id: int, now: datetime, zone: str = "UTC") -> AccountEquity:
        """Return the equity, at most a second old; unknown parts are ``None``.

        The day begins at midnight of the time zone. Raises ``Unavailable``.
        """
        began_at, key = self.monotonic(), (account_id, zone)
        cached = self._cache.get(key)
        if cached is not None and began_at - cached[0] < REFRESH_SECONDS:
            return cached[1]
        equity = await self._read(account_id, day_start(now, zone))
        if len(self._cache) >= ACCOUNTS_CACHED_MAX:
            self._cache.clear()
        self._cache[key] = (began_at, equity)
        return equity

    def forget(self) -> None:
        """Read again with the next order."""
        self._cache.clear()

    async def _read(self, account_id: int, day: datetime) -> AccountEquity:
        account = (await self.value_accounts([account_id])).get(account_id)
        if account is None or account.value.equity is None or account.is_outdated:
            return AccountEquity(currency="" if account is None else account.value.currency)
        equity, currency = account.value.equity, account.value.currency
        profit = account.value.total_pnl
        unknown = AccountEquity(currency=currency, equity=equity, profit=profit)
        start = await self.snapshots.latest_in(account_id, currency, day)
        if start is None and await self._has_deals_before(account_id, day):
            # The day begins with its first snapshot.
            start = next(
                iter(await self.snapshots.between(account_id, currency, day, limit=1)), None
            )
            if start is None:
                return unknown
        if start is None:  # All that the account ever earned is of this day.
            result = profit
        elif profit is None:
            result = None
        else:
            result = subtract(profit, start.profit)
        if result is None:
            return unknown
        at_start = subtract(equity, result) if start is None else start.equity
        return evolve(unknown, day_result=result, at_day_start=at_start)

    async def _has_deals_before(self, account_id: int, day: datetime) -> bool:
        window = HistoryQuery(account_ids=[account_id], until=day, page_size=1, with_total=False)
        return bool((await self.history.deals(window)).items)
