"""Decisions on discrepancies, each audited: apply the fix, dismiss the difference, or reverse it.

``apply`` executes the proposed fix. ``dismiss`` leaves the difference: it is not raised again while
it is the same, and its quarantine ends. Dismissing an applied fix reverses it.
"""

from dataclasses import dataclass
from datetime import datetime

from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.reconcile.discrepancy import (
    DecideDiscrepancy,
    Decision,
    Discrepancy,
    DiscrepancyPolicy,
    DiscrepancyStatus,
)
from oms.domain.value import evolve
from oms.ports.reconcile_store import ReconcileRows
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.services.reconcile.open_discrepancies import load_open_discrepancies
from oms.services.reconcile.reconcile_account import ReconcileAccount
from oms.wire.json import dumps_fast
from oms.wire.responses.reconcile_rows import DiscrepancyRow, discrepancy_row, parse_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyDecision:
    """Runs ``DecideDiscrepancy``."""

    reconcile: ReconcileAccount
    permissions: CommandPermissions

    async def __call__(
        self,
        state: AccountState,
        command: Command,
        payload: DecideDiscrepancy,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Decide on one discrepancy; the result's value is its new row."""
        ids = self.reconcile.ids
        discrepancies = await load_open_discrepancies(self.reconcile.rows, state, changes)
        row = discrepancies.rows.get(payload.discrepancy_id)
        if row is None:
            return CommandResult.refused(_refuse_missing(payload))
        if (refused := _refuse(row, payload)) is not None:
            return CommandResult.refused(refused)
        after = await self._decide(state, row, payload, changes, now)
        if isinstance(after, Refused):
            return CommandResult.refused(after)
        actor_name = self.permissions.actor_name(command.actor)
        after = evolve(after, decided_by=actor_name, comment=payload.comment)
        discrepancies.put(after)
        audit = self.permissions.audit_entry(
            command,
            action=f"discrepancy_{payload.answer.value}",
            entity="discrepancy",
            entity_id=row.id,
            account_id=row.account_id,
            before=dumps_fast(_row(row)),
            after=dumps_fast(_row(after)),
            comment=payload.comment,
        )
        await discrepancies.update_quarantine(ids, audit)
        await ids.ensure("audit", 1)
        state.work.audits.append((ids("audit"), audit))
        rows = tuple(discrepancies.changed.values())
        state.work.reconciled.append(ReconcileRows(discrepancies=rows))
        return CommandResult(status=CommandStatus.DONE, value=dumps_fast(_row(after)))

    async def _decide(
        self,
        state: AccountState,
        row: Discrepancy,
        payload: DecideDiscrepancy,
        changes: Changes,
        now: datetime,
    ) -> Discrepancy | Refused:
        fixes = self.reconcile.fixes()
        if payload.answer is Decision.APPLY:
            return await fixes.apply(state, row, changes, now)
        if row.status == DiscrepancyStatus.APPLIED:
            return await fixes.reverse(state, row, changes, now)
        return evolve(row, status=DiscrepancyStatus.DISMISSED.value, last_seen=now)


def _refuse(row: Discrepancy, payload: DecideDiscrepancy) -> Refused | None:
    is_apply = payload.answer is Decision.APPLY
    decidable = (
        (DiscrepancyStatus.OPEN, DiscrepancyStatus.DISMISSED)
        if is_apply
        else (DiscrepancyStatus.OPEN, DiscrepancyStatus.APPLIED)
    )
    if row.status not in decidable:
        message = f"discrepancy {row.id} is {row.status}"
        return Refused(code="conflict", reason="already_decided", message=message)
    is_quarantined = (
        row.status == DiscrepancyStatus.OPEN and row.policy == DiscrepancyPolicy.QUARANTINE
    )
    if is_quarantined and not is_apply and not payload.lifts:
        message = f"discrepancy {row.id} holds its account in quarantine"
        return Refused(code="conflict", reason="account_quarantined", message=message)
    return None


def _refuse_missing(payload: DecideDiscrepancy) -> Refused:
    message = f"there is no discrepancy {payload.discrepancy_id} that could be decided"
    return Refused(code="not_found", message=message)


def _row(row: Discrepancy) -> DiscrepancyRow:
    fix = None if row.fix is None else parse_facts(row.fix)
    return discrepancy_row(row, parse_facts(row.evidence), fix)
