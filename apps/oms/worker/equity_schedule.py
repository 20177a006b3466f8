"""Snapshots of equity of the leased accounts: when they are due.

An account is due every ``interval`` while it holds positions or its events go on, at the boundary
of each day (UTC, and that of its risk policy), and after closed positions, at most every
`REST_SECONDS`, and each second where losses are limited. Its sums may take long to read: it is then
read less often, so that snapshots use a small share of the time only.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.errors import Unavailable
from oms.domain.risk.risk_day import day_start
from oms.ports.clock import Clock
from oms.ports.history_reads import HistoryReads
from oms.ports.leases import Lease
from oms.ports.ledger_store import LedgerStore
from oms.ports.performance.equity_snapshots import EquitySnapshot
from oms.services.performance.take_snapshots import BOUNDARY_AGE_MAX, TakeSnapshots
from oms.worker.dispatch import CommandProcessor

ROUND_SECONDS = 1.0
ACCOUNTS_PER_READ = 20
#: After a read the same accounts rest for this time (or an interval that is shorter), and at least
#: for this multiple of its duration.
REST_SECONDS = 5.0
REST_FACTOR = 20


@dataclass(slots=True, kw_only=True)
class EquityScheduler:
    """The snapshots of one worker."""

    processor: CommandProcessor
    take: TakeSnapshots
    ledger: LedgerStore
    history: HistoryReads
    clock: Clock
    interval: timedelta
    monotonic: Callable[[], float] = time.monotonic
    #: Accounts with a closed position since their last snapshot.
    _closed: set[int] = field(default_factory=set)
    #: Event number of each leased account at its last read; 0: not read since it was leased.
    _seqs: dict[int, int] = field(default_factory=dict)
    _looked_at: datetime | None = None
    #: The last day that began, by time zone.
    _days: dict[str, datetime] = field(default_factory=dict)
    _rest_until: dict[int, float] = field(default_factory=dict)

    async def __call__(self) -> None:
        """Take the snapshots that are due. Raises ``Unavailable``."""
        now, leases = self.clock.now(), self._leases()
        for account_id in self._seqs.keys() - leases.keys():
            self._seqs.pop(account_id)
            self._rest_until.pop(account_id, None)
            self.take.forget(account_id)
        self._closed |= self.processor.take_accounts_with_closed_positions()
        self._closed &= leases.keys()
        if await self._take_at_boundaries(leases, now):
            return
        due = set(self._closed)
        is_look = self._looked_at is None or now - self._looked_at >= self.interval / 10
        if is_look or self._seqs.keys() != leases.keys():
            self._looked_at = now
            due |= await self._active(leases, now, self.interval)
        await self._take(leases, due)

    async def _take_at_boundaries(self, leases: Mapping[int, Lease], now: datetime) -> bool:
        """Take the snapshots of days that begin. Returns whether one did."""
        zones = self._zones(leases)
        has_begun = False
        for zone in {"UTC", *zones.values()}:
            day, before = day_start(now, zone), self._days.get(zone)
            is_new_day = before not in (None, day)
            if not is_new_day or now - day > BOUNDARY_AGE_MAX:
                self._days[zone] = day
            if is_new_day:
                due = await self._active(leases, now, timedelta(0))
                if zone != "UTC":
                    due &= {key for key, each in zones.items() if each == zone}
                await self._take(leases, due, boundary=day)
                # After a failure the boundary is tried again, if it is not long past.
                self._days[zone] = day
                has_begun = True
        return has_begun

    def _zones(self, leases: Iterable[int]) -> Mapping[int, str]:
        """Return the time zones of the days of accounts whose risk policy sets one."""
        states = {i: self.processor.states.get(i) for i in leases}
        policies = {i: None if state is None else state.policy for i, state in states.items()}
        return {
            i: policy.day_zone
            for i, policy in policies.items()
            if policy is not None and policy.day_zone != "UTC"
        }

    def _leases(self) -> Mapping[int, Lease]:
        return {key: lease for key, lease in self.processor.keeper.held.items() if key}

    async def _active(self, leases: Mapping[int, Lease], now: datetime, age: timedelta) -> set[int]:
        """Return accounts with positions or new events whose last snapshot has this age."""
        ids = sorted(leases)
        unread = [account_id for account_id in ids if account_id not in self._seqs]
        await self.take.read_latest(unread)
        heads = await self.history.heads(ids)
        active = set(await self.ledger.accounts_with_positions(ids))
        for account_id in ids:
            if self._seqs.setdefault(account_id, 0) != heads.get(account_id, 0):
                active.add(account_id)
        return active - self.take.taken_after(now - age)

    async def _take(
        self, leases: Mapping[int, Lease], due: Iterable[int], boundary: datetime | None = None
    ) -> None:
        started = self.monotonic()
        ready = [
            key
            for key in sorted(due)
            if boundary is not None or self._rest_until.get(key, started) <= started
        ]
        for first in range(0, len(ready), ACCOUNTS_PER_READ):
            part = ready[first : first + ACCOUNTS_PER_READ]
            begun = self.monotonic()
            before = {key: self.take.last_of(key) for key in part}
            try:
                valued = await self.take([leases[key] for key in part], boundary=boundary)
            except Unavailable:
                self._forget_marks(part)
                raise
            finally:  # Also after a failure: a read may fail because it takes too long.
                ended = self.monotonic()
                long = REST_FACTOR * (ended - begun)
                self._rest_until |= {key: ended + max(long, self._rest(key)) for key in part}
            settled = {key: each for key, each in valued.items() if each.is_settled}
            self._closed.difference_update(set(part) - (valued.keys() - settled.keys()))
            self._seqs |= {key: each.stored.seq for key, each in settled.items()}
            self._mark_valued(settled, before)

    def _rest(self, account_id: int) -> float:
        """Return the seconds before an account is read again after a closed position."""
        state = self.processor.states.get(account_id)
        if state is not None and state.may_limit_losses():
            return 0.0
        return min(REST_SECONDS, self.interval.total_seconds())

    def _mark_valued(
        self, account_ids: Iterable[int], before: Mapping[int, EquitySnapshot | None]
    ) -> None:
        """Have the losses of accounts compared with their limits, if any are set."""
        for account_id in account_ids:
            state = self.processor.states.get(account_id)
            if state is None or not state.may_limit_losses():
                continue
            state.is_valued, last = True, self.take.last_of(account_id)
            if last is not None and last is not before[account_id]:
                state.new_snapshots.append(last)

    def _forget_marks(self, account_ids: Iterable[int]) -> None:
        """Have snapshots read again that may have been stored."""
        for account_id in account_ids:
            state = self.processor.states.get(account_id)
            if state is not None:
                state.has_read_mark = False
