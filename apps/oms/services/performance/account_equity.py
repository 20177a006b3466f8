"""Equity and the result of the day of an account, for limits that are counted against them.

Both are read at most twice a second, of all accounts together that asked for them lately, and only
where a limit needs them. The result of a day is what was earned since its beginning, less fees, and
the change of what is not realized: deposits and withdrawals are no part of it, whether the ledger
knows of them or not.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from oms.domain.money import subtract
from oms.domain.risk.limit_context import AccountEquity
from oms.domain.risk.risk_day import day_start
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.performance.equity_snapshots import EquitySnapshot, EquitySnapshotStore
from oms.services.performance.value_accounts import ValueAccounts, ValuedAccount

REFRESH_SECONDS = 1.0
ACCOUNTS_CACHED_MAX = 10_000
ACCOUNTS_PER_READ = 50
#: Accounts that are asked for are read again from this age on, together with one that is due.
REREAD_AGE_SECONDS = REFRESH_SECONDS / 2
#: This long after its beginning no snapshot before a day is stored any more.
_DAY_SETTLED_AFTER = timedelta(minutes=1)


class _Key(NamedTuple):
    account_id: int
    zone: str


class _Day(NamedTuple):
    """A day of an account whose equity is in a currency."""

    account_id: int
    currency: str
    began_at: datetime


@dataclass(slots=True)
class _Cached:
    read_at: float
    equity: AccountEquity
    is_used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAccountEquity:
    """Reads the equity of accounts."""

    value_accounts: ValueAccounts
    snapshots: EquitySnapshotStore
    history: HistoryReads
    #: Seconds of a clock that is never set back: the age of what is cached.
    monotonic: Callable[[], float] = time.monotonic
    #: In the order in which they were read.
    _cache: dict[_Key, _Cached] = field(default_factory=dict)
    #: The last snapshot before a day; ``None``: there is none.
    _starts: dict[_Day, EquitySnapshot | None] = field(default_factory=dict)
    #: Days before which the account has deals.
    _traded_before: set[tuple[int, datetime]] = field(default_factory=set)

    async def __call__(self, account_id: int, now: datetime, zone: str = "UTC") -> AccountEquity:
        """Return the equity, at most a second old; unknown parts are ``None``.

        The day begins at midnight of the time zone. Raises ``Unavailable``.
        """
        began_at = self.monotonic()
        # A plain tuple finds the entry of an equal key, and is made in less time.
        cached: _Cached | None = self._cache.get((account_id, zone))  # type: ignore[call-overload]
        if cached is None or began_at - cached.read_at >= REFRESH_SECONDS:
            key = _Key(account_id, zone)
            await self._read_again({key}, now, began_at)
            cached = self._cache[key]
        cached.is_used = True
        return cached.equity

    async def read_ahead(self, zones: Mapping[int, str], now: datetime) -> None:
        """Read accounts that are about to be asked for, with the zones of their days, in one read.

        Those that are current are left out. Raises ``Unavailable``.
        """
        began_at = self.monotonic()
        keys = {_Key(account_id, zone) for account_id, zone in zones.items()}
        oldest = began_at - REFRESH_SECONDS
        due = {k for k in keys if (c := self._cache.get(k)) is None or c.read_at <= oldest}
        if due:
            await self._read_again(due, now, began_at)

    async def refresh(self, now: datetime) -> None:
        """Read accounts again that were asked for since they were read, before they are too old.

        Where it runs every quarter of a second, no command of an account that has several a second
        waits for a read. Raises ``Unavailable``.
        """
        began_at = self.monotonic()
        while due := self._asked_for(began_at, ACCOUNTS_PER_READ):
            await self._read_again(due, now, began_at)
            began_at = self.monotonic()

    def forget(self) -> None:
        """Read again with the next order."""
        self._cache.clear()
        self._starts.clear()
        self._traded_before.clear()

    async def _read_again(self, due: Collection[_Key], now: datetime, began_at: float) -> None:
        """Read accounts, and others that were asked for since they were read."""
        keys = {*due, *self._asked_for(began_at, ACCOUNTS_PER_READ - len(due))}
        found = await self._read(keys, now)
        if len(self._cache) >= ACCOUNTS_CACHED_MAX:
            self._cache.clear()
        for key, equity in found.items():
            cached = self._cache.get(key)
            if cached is None or cached.read_at <= began_at:
                self._cache.pop(key, None)
                self._cache[key] = _Cached(read_at=began_at, equity=equity)

    def _asked_for(self, began_at: float, count_max: int) -> Sequence[_Key]:
        """Return accounts to read again; those not asked for in a second are dropped."""
        asked: list[_Key] = []
        dropped: list[_Key] = []
        for key, cached in self._cache.items():
            age = began_at - cached.read_at
            if age < REREAD_AGE_SECONDS or len(asked) >= count_max:
                break
            if cached.is_used:
                asked.append(key)
            elif age >= REFRESH_SECONDS:
                dropped.append(key)
        for key in dropped:
            del self._cache[key]
        return asked

    async def _read(self, keys: Collection[_Key], now: datetime) -> Mapping[_Key, AccountEquity]:
        accounts = await self.value_accounts(sorted({key.account_id for key in keys}))
        days = {key: day_start(now, key.zone) for key in keys}
        traded = await self._traded(
            {(key.account_id, day) for key, day in days.items() if key.account_id in accounts}
        )
        return {
            key: await self._equity(accounts.get(key.account_id), day, now, traded)
            for key, day in days.items()
        }

    async def _equity(
        self,
        account: ValuedAccount | None,
        day: datetime,
        now: datetime,
        traded: Collection[tuple[int, datetime]],
    ) -> AccountEquity:
        if account is None or account.value.equity is None or account.is_outdated:
            currency = "" if account is None else account.value.currency
            return AccountEquity(currency=currency, day_start=day)
        equity, currency = account.value.equity, account.value.currency
        profit, account_id = account.value.total_pnl, account.account.id
        unknown = AccountEquity(currency=currency, equity=equity, profit=profit, day_start=day)
        start = await self._start_of(_Day(account_id, currency, day), now)
        if start is None and (account_id, day) in traded:
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

    async def _start_of(self, day: _Day, now: datetime) -> EquitySnapshot | None:
        """Return the last snapshot before a day; it is kept once no other can be stored."""
        if day in self._starts:
            return self._starts[day]
        start = await self.snapshots.latest_in(day.account_id, day.currency, day.began_at)
        if now - day.began_at >= _DAY_SETTLED_AFTER:
            if len(self._starts) >= ACCOUNTS_CACHED_MAX:
                self._starts.clear()
            self._starts[day] = start
        return start

    async def _traded(
        self, days: Collection[tuple[int, datetime]]
    ) -> Collection[tuple[int, datetime]]:
        """Return those of the accounts and days before which there are deals."""
        if len(self._traded_before) >= ACCOUNTS_CACHED_MAX:
            self._traded_before.clear()
        unknown = sorted(set(days) - self._traded_before)
        for day in {day for _, day in unknown}:
            ids = [account_id for account_id, each in unknown if each == day]
            if await self._have_deals_before(ids, day):
                for account_id in ids:
                    if len(ids) == 1 or await self._have_deals_before([account_id], day):
                        self._traded_before.add((account_id, day))
        return self._traded_before

    async def _have_deals_before(self, account_ids: list[int], day: datetime) -> bool:
        window = HistoryQuery(account_ids=account_ids, until=day, page_size=1, with_total=False)
        return bool((await self.history.deals(window)).items)
