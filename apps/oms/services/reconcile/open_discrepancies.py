"""The open discrepancies of one account, and the quarantine of the account, which follows.

Discrepancies are changed here only; each change emits its event and is written with the next
commit.
"""

from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.event import Event, Namespace
from oms.domain.reconcile.discrepancy import (
    TRACKED_STATUSES,
    Discrepancy,
    DiscrepancyStatus,
    quarantine_of,
)
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import RiskFlagUpdate
from oms.ports.reconcile_store import ReconcileStore
from oms.ports.registry import AuditEntry
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.wire.json import dumps_fast
from oms.wire.responses.reconcile_rows import discrepancy_event

SYSTEM_AUDIT = AuditEntry(actor="oms", action="quarantine", entity="account", entity_id="")
"""Audit entry of changes without a decision."""


@dataclass(slots=True, kw_only=True)
class OpenDiscrepancies:
    """The discrepancies that are not closed, by id, and those that were changed."""

    state: AccountState
    changes: Changes
    rows: dict[int, Discrepancy]
    changed: dict[int, Discrepancy] = field(default_factory=dict)

    def put(self, row: Discrepancy) -> None:
        """Replace a row; emits an event if it opened or closed."""
        previous = self.rows.get(row.id)
        was_open = previous is not None and previous.status == DiscrepancyStatus.OPEN
        is_open = row.status == DiscrepancyStatus.OPEN
        if is_open and not was_open:
            self.changes.events.append(discrepancy_event("discrepancy_opened", row))
        if was_open and not is_open:
            self.changes.events.append(discrepancy_event("discrepancy_closed", row))
        self.rows[row.id] = self.changed[row.id] = row

    async def update_quarantine(self, ids: IdBlocks, audit: AuditEntry = SYSTEM_AUDIT) -> bool:
        """Set or lift the quarantine according to the rows. Returns whether it changed."""
        state, kind = self.state, quarantine_of(self.rows)
        before = state.account.quarantine
        if kind == before:
            return False
        state.account = evolve(state.account, quarantine=kind)
        state.work.switches.append(RiskFlagUpdate(is_quarantine=True, quarantine=kind))
        facts = {
            "quarantine": kind,
            "comment": audit.comment,
            "actor_user_id": audit.actor_user_id,
            "actor_api_key_id": audit.actor_api_key_id,
        }
        event = Event(name="account_quarantine_changed", namespace=Namespace.RISK, facts=facts)
        self.changes.events.append(event)
        await ids.ensure("audit", 1)
        entry = evolve(
            audit,
            action="quarantine",
            entity="account",
            entity_id=str(state.account.id),
            account_id=state.account.id,
            before=dumps_fast({"quarantine": before}),
            after=dumps_fast({"quarantine": kind}),
        )
        state.work.audits.append((ids("audit"), entry))
        return True


async def load_open_discrepancies(
    store: ReconcileStore, state: AccountState, changes: Changes, since: datetime | None = None
) -> OpenDiscrepancies:
    """Return the discrepancies of the account, including uncommitted ones.

    ``since`` leaves out what a comparison of that time on does not need.
    """
    tracked = await store.tracked_discrepancies([state.account.id], since)
    rows_by_id = {row.id: row for row in tracked}
    for work in state.units_of_work():
        rows_by_id |= {
            row.id: row
            for reconcile_rows in work.reconciled
            for row in reconcile_rows.discrepancies
        }
    open_rows = {key: row for key, row in rows_by_id.items() if row.status in TRACKED_STATUSES}
    return OpenDiscrepancies(state=state, changes=changes, rows=open_rows)
