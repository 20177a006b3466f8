"""Decisions on discrepancies, each audited: the fix is carried out, the difference left, or undone.

``apply`` carries out what is proposed. ``dismiss`` leaves it so: nobody is asked again while it
says the same, and a quarantine for it ends. To dismiss what was applied takes it back.
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
from oms.ports.registry import AuditEntry
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.services.reconcile.open_discrepancies import load_open_discrepancies, parse_facts
from oms.services.reconcile.sweep import Reconciling
from oms.wire.commands.reconcile_request import discrepancy_row
from oms.wire.json import dumps_fast


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """Runs ``Decide``."""

    reconciling: Reconciling
    permissions: CommandPermissions

    async def __call__(
        self,
        state: AccountState,
        command: Command,
        wish: DecideDiscrepancy,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Decide on one row; the result's value is the row as it is then."""
        ids = self.reconciling.ids
        found = await load_open_discrepancies(self.reconciling.rows, state, changes)
        row = found.rows.get(wish.discrepancy_id)
        refused = _not_there(wish) if row is None else _refuse(row, wish)
        if row is None or refused is not None:
            return CommandResult(status=CommandStatus.REFUSED, error=refused)
        after = await self._decided(state, row, wish, changes, now)
        if isinstance(after, Refused):
            return CommandResult(status=CommandStatus.REFUSED, error=after)
        name = self.permissions.actor_name(command.actor)
        after = evolve(after, decided_by=name, comment=wish.comment)
        found.put(after)
        audit = _audit(command, wish, name, row, after)
        await found.settle(ids, audit)
        await ids.ensure("audit", 1)
        state.work.audits.append((ids("audit"), audit))
        rows = tuple(found.changed.values())
        state.work.reconciled.append(ReconcileRows(discrepancies=rows))
        return CommandResult(status=CommandStatus.DONE, value=dumps_fast(_row(after)))

    async def _decided(
        self,
        state: AccountState,
        row: Discrepancy,
        wish: DecideDiscrepancy,
        changes: Changes,
        now: datetime,
    ) -> Discrepancy | Refused:
        fixes = self.reconciling.fixes()
        if wish.answer is Decision.APPLY:
            return await fixes.apply(state, row, changes, now)
        if row.status == DiscrepancyStatus.APPLIED:
            return await fixes.reverse(state, row, changes, now)
        return evolve(row, status=DiscrepancyStatus.DISMISSED.value, last_seen=now)


def _refuse(row: Discrepancy, wish: DecideDiscrepancy) -> Refused | None:
    is_apply = wish.answer is Decision.APPLY
    may = (
        (DiscrepancyStatus.OPEN, DiscrepancyStatus.DISMISSED)
        if is_apply
        else (DiscrepancyStatus.OPEN, DiscrepancyStatus.APPLIED)
    )
    if row.status not in may:
        message = f"discrepancy {row.id} is {row.status}"
        return Refused(code="conflict", reason="already_decided", message=message)
    is_held = row.status == DiscrepancyStatus.OPEN and row.policy == DiscrepancyPolicy.QUARANTINE
    if is_held and not is_apply and not wish.lifts:
        message = f"discrepancy {row.id} holds its account in quarantine"
        return Refused(code="conflict", reason="account_quarantined", message=message)
    return None


def _not_there(wish: DecideDiscrepancy) -> Refused:
    message = f"there is no discrepancy {wish.discrepancy_id} that could be decided"
    return Refused(code="not_found", message=message)


def _audit(
    command: Command, wish: DecideDiscrepancy, name: str, before: Discrepancy, after: Discrepancy
) -> AuditEntry:
    actor = command.actor
    return AuditEntry(
        actor=name,
        action=f"discrepancy_{wish.answer.value}",
        entity="discrepancy",
        entity_id=str(before.id),
        account_id=before.account_id,
        actor_user_id=actor.user_id,
        actor_api_key_id=actor.api_key_id,
        actor_role=actor.role,
        actor_ip=actor.ip or None,
        before=dumps_fast(_row(before)),
        after=dumps_fast(_row(after)),
        comment=wish.comment,
        request_id=command.request_id,
    )


def _row(row: Discrepancy) -> dict[str, object]:
    fix = None if row.fix is None else parse_facts(row.fix)
    return discrepancy_row(row, parse_facts(row.evidence), fix)
