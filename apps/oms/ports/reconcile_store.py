"""Storage of reconciliation: cursors, runs and discrepancies."""

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
"""Cursor of executions: RFC 3339, all executions before it have been read."""


@value
class ReconcileRun:
    """One reconciliation of one account; ``counts`` is JSON text."""

    id: int
    account_id: int
    scope: str
    started_at: datetime
    finished_at: datetime
    counts: str
    error: str | None = None


@value
class ReconcileRows:
    """Rows that a reconciliation or a decision writes in the transaction of its reports.

    ``run`` is ``None`` if none took place or it found nothing worth a row.
    """

    run: ReconcileRun | None = None
    cursors: Mapping[str, str] = field(default_factory=dict)
    discrepancies: Sequence[Discrepancy] = ()
    #: Orders and trades as received.
    raw: Sequence[RawPayload] = ()


@value
class Cursor:
    """How far an account was read, and when."""

    account_id: int
    entity: str
    value: str
    updated_at: datetime


@value
class ScheduledAccount:
    """An account with scheduled reconciliation."""

    account_id: int
    exchange_id: str
    plan: ReconcileIntervals


@value
class DiscrepancyQuery:
    """A page of discrepancies of these accounts, filtered, oldest first."""

    account_ids: Sequence[int]
    statuses: Sequence[str] = ()
    kinds: Sequence[str] = ()
    #: Rows after this id.
    after_id: int = 0
    limit: int = 100


class ReconcileStore(Protocol):
    """Reads the results of reconciliation."""

    async def cursors(self, account_ids: Sequence[int]) -> Sequence[Cursor]:
        """Return all cursors of these accounts."""
        ...

    async def tracked_discrepancies(
        self, account_ids: Sequence[int], since: datetime | None = None
    ) -> Sequence[Discrepancy]:
        """Return discrepancies that the next comparison needs, oldest first.

        One that has read everything since ``since`` needs no decided ones of a time before it:
        those of ``DATED_CLASSES`` that were first seen earlier.
        """
        ...

    async def open_discrepancies(self, account_ids: Sequence[int]) -> Sequence[Discrepancy]:
        """Return open discrepancies, oldest first."""
        ...

    async def find_discrepancies(self, query: DiscrepancyQuery) -> Sequence[Discrepancy]:
        """Return a page of discrepancies."""
        ...

    async def discrepancy(self, discrepancy_id: int) -> Discrepancy | None:
        """Return one discrepancy in any state."""
        ...

    async def scheduled_accounts(self, account_ids: Sequence[int]) -> Sequence[ScheduledAccount]:
        """Return those of the accounts that are active or blocked and reconciled on schedule."""
        ...

    async def balance_entries(self, account_id: int) -> Mapping[str, Decimal]:
        """Return deposits less withdrawals of the account by currency."""
        ...

    async def deals_outside_positions(self, account_id: int) -> Sequence[Deal]:
        """Return executions without a position, with their busts."""
        ...

    async def dust_deals(self, account_id: int, symbols: Sequence[str]) -> Sequence[Deal]:
        """Return the written-off dust of ``symbols``."""
        ...

    async def booked_executions(
        self, account_id: int, since: datetime, until: datetime
    ) -> Sequence[Deal]:
        """Return deals of executions of the account in that period."""
        ...

    async def booked_funding(
        self, account_id: int, since: datetime, until: datetime
    ) -> Sequence[Deal]:
        """Return deals of funding payments of the account that were due in that period."""
        ...
