"""Takes snapshots of equity: values accounts as they are stored, and stores the figures.

An account whose equity is unknown (no balance, mark or rate) gets none, and one at an exchange
waits until its balances were read after its last deal, and its prices are current. Deposits are
counted at the rate of the first snapshot after them, so that a later change of the rate is a gain,
not a deposit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.ledger.deal import DealType
from oms.domain.money import ZERO, add, round_to_scale
from oms.domain.value import evolve
from oms.ports.leases import Lease
from oms.ports.performance.equity_snapshots import EquitySnapshot, EquitySnapshotStore
from oms.services.performance.value_accounts import ValueAccounts, ValuedAccount

BOUNDARY_AGE_MAX = timedelta(seconds=5)
"""A snapshot this long after the boundary of a day, without a deposit since, is that of it."""


@dataclass(slots=True, kw_only=True)
class TakeSnapshots:
    """Takes snapshots of the accounts that a worker holds."""

    value_accounts: ValueAccounts
    snapshots: EquitySnapshotStore
    _latest: dict[int, EquitySnapshot] = field(default_factory=dict)
    #: Deposits that are part of the latest snapshot, by account.
    _counted: dict[int, frozenset[int]] = field(default_factory=dict)

    async def read_latest(self, account_ids: Sequence[int]) -> None:
        """Read the last snapshots of newly leased accounts. Raises ``Unavailable``."""
        self._latest |= await self.snapshots.latest(account_ids)

    def taken_after(self, moment: datetime) -> set[int]:
        """Return the accounts whose last snapshot is later."""
        return {key for key, snapshot in self._latest.items() if snapshot.ts > moment}

    def last_of(self, account_id: int) -> EquitySnapshot | None:
        """Return the last snapshot of an account."""
        return self._latest.get(account_id)

    def forget(self, account_id: int) -> None:
        """Forget an account whose lease is lost: its next owner takes its snapshots."""
        self._latest.pop(account_id, None)
        self._counted.pop(account_id, None)

    async def __call__(
        self, leases: Sequence[Lease], *, boundary: datetime | None = None
    ) -> Mapping[int, ValuedAccount]:
        """Store a snapshot of each account that changed since its last one.

        ``boundary`` is the time of the snapshots if it has just passed. Returns what was read, by
        account id. Raises ``Unavailable``.
        """
        valued = await self.value_accounts([lease.account_id for lease in leases])
        new: dict[int, tuple[Lease, EquitySnapshot]] = {}
        for lease in leases:
            account = valued.get(lease.account_id)
            if account is None or not account.is_settled:
                continue
            await self._set_currency(lease.account_id, account.value.currency)
            snapshot = self._snapshot(account, boundary)
            if snapshot is not None and self._is_new(snapshot, account):
                new[lease.account_id] = lease, snapshot
        for account_id in await self.snapshots.add(list(new.values())):
            self._latest[account_id] = new[account_id][1]
            self._counted[account_id] = frozenset(valued[account_id].flows())
        return valued

    async def _set_currency(self, account_id: int, currency: str) -> None:
        """Read the last snapshot in this currency, if that in memory is in another one."""
        before = self._latest.get(account_id)
        if before is not None and before.currency == currency:
            return
        last = await self.snapshots.latest_in(account_id, currency)
        self.forget(account_id)
        if last is not None:
            self._latest[account_id] = last

    def _snapshot(self, account: ValuedAccount, boundary: datetime | None) -> EquitySnapshot | None:
        figures, flows = account.value, self._flows(account)
        amounts = {
            "cash": figures.cash,
            "equity": figures.equity,
            "unrealized": figures.unrealized,
            "realized": figures.realized,
            "fees": figures.fees,
            "flows": flows,
        }
        known = {name: amount for name, amount in amounts.items() if amount is not None}
        if len(known) < len(amounts):
            return None
        return EquitySnapshot(
            account_id=account.account.id,
            ts=_time_of(account, boundary),
            currency=figures.currency,
            **known,
        )

    def _flows(self, account: ValuedAccount) -> Decimal | None:
        """Return the sum of all deposits, those counted before as they were."""
        before = self._latest.get(account.account.id)
        counted = self._counted.get(account.account.id)
        if counted is None and before is not None:
            counted = frozenset(
                deal.id
                for deal in account.stored.outside
                if deal.type is DealType.BALANCE and deal.created_at <= before.ts
            )
        total = ZERO if before is None else before.flows
        for deal_id, amount in account.flows().items():
            if deal_id in (counted or ()):
                continue
            if amount is None:
                return None
            total = add(total, amount)
        return round_to_scale(total)

    def _is_new(self, snapshot: EquitySnapshot, account: ValuedAccount) -> bool:
        """Return whether anything differs from the last one; open positions are always worth it."""
        before = self._latest.get(snapshot.account_id)
        if before is None:
            has_traded = bool(account.stored.results or account.stored.outside)
            return has_traded or bool(account.stored.positions)
        if snapshot.ts <= before.ts:
            return False
        return bool(account.stored.positions) or evolve(before, ts=snapshot.ts) != snapshot


def _time_of(account: ValuedAccount, boundary: datetime | None) -> datetime:
    """Return the time of a snapshot, which is never before a deposit that it has."""
    newest = max((deal.created_at for deal in account.stored.outside), default=None)
    if (
        boundary is not None
        and account.as_of - boundary <= BOUNDARY_AGE_MAX
        and (newest is None or newest <= boundary)
    ):
        return boundary
    return account.as_of if newest is None else max(account.as_of, newest)
