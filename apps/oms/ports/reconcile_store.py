"""What sweeps leave behind: how far they read, what they did, and what still differs."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.ledger.deal import Deal
from oms.domain.reconcile.discrepancy import Discrepancy
from oms.domain.reconcile.reconcile_schedule import ReconcileIntervals
from oms.domain.value import value
from oms.ports.raw_payloads import RawPayload

TRADES_CURSOR = "my_trades_since"
"""The cursor of executions: RFC 3339, all before it was read."""


@value
class ReconcileRun:
    """One sweep over one account; ``counts`` is JSON text."""

    id: int
    account_id: int
    scope: str
    started_at: datetime
    finished_at: datetime
    counts: str
    error: str | None = None


@value
class ReconcileRows:
    """What a sweep or a decision writes in the transaction of the facts it found.

    Without a ``run`` nothing was swept, or nothing was found that is worth a row.
    """

    run: ReconcileRun | None = None
    cursors: Mapping[str, str] = field(default_factory=dict)
    discrepancies: Sequence[Discrepancy] = ()
    #: What the exchange told, in its own words.
    raw: Sequence[RawPayload] = ()


@value
class Cursor:
    """How far an account was read, and when that was."""

    account_id: int
    entity: str
    value: str
    updated_at: datetime


@value
class ScheduledAccount:
    """An account that may be swept by itself."""

    account_id: int
    exchange_id: str
    plan: ReconcileIntervals


@value
class DiscrepancyQuery:
    """A page of the inbox: rows of these accounts with these words, oldest first."""

    account_ids: Sequence[int]
    statuses: Sequence[str] = ()
    kinds: Sequence[str] = ()
    #: Rows after this id.
    after_id: int = 0
    limit: int = 100


class ReconcileStore(Protocol):
    """Reads of what sweeps left behind."""

    async def cursors(self, account_ids: Sequence[int]) -> Sequence[Cursor]:
        """All cursors of these accounts."""
        ...

    async def tracked_discrepancies(self, account_ids: Sequence[int]) -> Sequence[Discrepancy]:
        """Discrepancies that the next comparison must know, oldest first."""
        ...

    async def open_discrepancies(self, account_ids: Sequence[int]) -> Sequence[Discrepancy]:
        """Discrepancies that are open, oldest first."""
        ...

    async def find_discrepancies(self, query: DiscrepancyQuery) -> Sequence[Discrepancy]:
        """A page of discrepancies."""
        ...

    async def discrepancy(self, discrepancy_id: int) -> Discrepancy | None:
        """One of them in any state."""
        ...

    async def scheduled_accounts(self, account_ids: Sequence[int]) -> Sequence[ScheduledAccount]:
        """Those of the accounts that are active or blocked and may be swept."""
        ...

    async def balance_entries(self, account_id: int) -> Mapping[str, Decimal]:
        """What was paid in and out of the account, summed by currency."""
        ...

    async def booked_executions(
        self, account_id: int, since: datetime, until: datetime
    ) -> Sequence[Deal]:
        """Deals of executions of the account, made in that time."""
        ...
