"""The stored history of an account's equity."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.money import add, subtract
from oms.domain.value import value
from oms.ports.leases import Lease


@value
class EquitySnapshot:
    """An account at ``ts`` in ``currency``, which was its own then; ``None`` is unknown.

    ``realized`` (gross, with funding), ``fees`` and ``flows`` (deposits less withdrawals) are sums
    since the account exists.
    """

    account_id: int
    ts: datetime
    currency: str | None
    cash: Decimal
    equity: Decimal
    unrealized: Decimal
    realized: Decimal
    fees: Decimal
    flows: Decimal

    @property
    def profit(self) -> Decimal:
        """Return what was earned since the account exists, less fees, with unrealized profit."""
        return subtract(add(self.realized, self.unrealized), self.fees)


class EquitySnapshotStore(Protocol):
    """Equity snapshots; every method raises ``Unavailable``."""

    async def add(self, snapshots: Sequence[tuple[Lease, EquitySnapshot]]) -> frozenset[int]:
        """Store a snapshot of each account; returns the accounts of which one was stored.

        Left out are accounts whose lease is lost, or that have one of that time.
        """
        ...

    async def latest(self, account_ids: Sequence[int]) -> Mapping[int, EquitySnapshot]:
        """Return the last snapshot of each account, in whatever currency."""
        ...

    async def latest_in(
        self, account_id: int, currency: str, until: datetime | None = None
    ) -> EquitySnapshot | None:
        """Return the last snapshot in a currency, of those at ``until`` or before."""
        ...

    async def between(
        self,
        account_id: int,
        currency: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Sequence[EquitySnapshot]:
        """Return the snapshots in a currency of ``since <= ts < until``, ascending."""
        ...

    async def thin(self, now: datetime, limit: int) -> int:
        """Delete what is kept no longer, at most ``limit`` rows; returns their number.

        After 30 days one snapshot an hour is kept, after a year one a day: the last one of it.
        """
        ...
