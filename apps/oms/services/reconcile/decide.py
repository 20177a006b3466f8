"""Decisions on discrepancies, each audited: the fix is carried out, the difference left, or undone.

``apply`` carries out what is proposed. ``dismiss`` leaves it so: nobody is asked again while it
says the same, and a quarantine for it ends. To dismiss what was applied takes it back.
"""

from dataclasses import dataclass
from datetime import datetime

from oms.domain.command import Command, CommandResult, CommandStatus
from oms.domain.discrepancy import Answer, Decide, Discrepancy, Policy, Status
from oms.domain.errors import Refused
from oms.domain.value import evolve
from oms.ports.reconciliation import ReconcileRows
from oms.ports.registry import AuditEntry
from oms.services.home import Home
from oms.services.reconcile.standing import read, standing
from oms.services.reconcile.sweep import Reconciling
from oms.services.record import Changes
from oms.services.rights import Rights
from oms.wire.json import dumps_plain
from oms.wire.reconcile import discrepancy_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """Runs ``Decide``."""

    reconciling: Reconciling
    rights: Rights

    async def __call__(
        self, home: Home, command: Command, wish: Decide, changes: Changes, now: datetime
    ) -> CommandResult:
        """Decide on one row; the result's value is the row as it is then."""
        ids = self.reconciling.ids
        found = await standing(self.reconciling.rows, home, changes)
        row = found.rows.get(wish.discrepancy_id)
        refused = _not_there(wish) if row is None else _refuse(row, wish)
        if row is None or refused is not None:
            return CommandResult(status=CommandStatus.REFUSED, error=refused)
        after = await self._decided(home, row, wish, changes, now)
        if isinstance(after, Refused):
            return CommandResult(status=CommandStatus.REFUSED, error=after)
        name = self.rights.name_of(command.actor)
        after = evolve(after, decided_by=name, comment=wish.comment)
        found.put(after)
        audit = _audit(command, wish, name, row, after)
        await found.settle(ids, audit)
        await ids.ensure("audit", 1)
        home.draft.audits.append((ids("audit"), audit))
        rows = tuple(found.changed.values())
        home.draft.reconciled.append(ReconcileRows(discrepancies=rows))
        return CommandResult(status=CommandStatus.DONE, value=dumps_plain(_row(after)))

    async def _decided(
        self, home: Home, row: Discrepancy, wish: Decide, changes: Changes, now: datetime
    ) -> Discrepancy | Refused:
        fixes = self.reconciling.fixes()
        if wish.answer is Answer.APPLY:
            return await fixes.apply(home, row, changes, now)
        if row.status == Status.APPLIED:
            return await fixes.reverse(home, row, changes, now)
        return evolve(row, status=Status.DISMISSED.value, last_seen=now)


def _refuse(row: Discrepancy, wish: Decide) -> Refused | None:
    is_apply = wish.answer is Answer.APPLY
    may = (Status.OPEN, Status.DISMISSED) if is_apply else (Status.OPEN, Status.APPLIED)
    if row.status not in may:
        message = f"discrepancy {row.id} is {row.status}"
        return Refused(code="conflict", reason="already_decided", message=message)
    is_held = row.status == Status.OPEN and row.policy == Policy.QUARANTINE
    if is_held and not is_apply and not wish.lifts:
        message = f"discrepancy {row.id} holds its account in quarantine"
        return Refused(code="conflict", reason="account_quarantined", message=message)
    return None


def _not_there(wish: Decide) -> Refused:
    message = f"there is no discrepancy {wish.discrepancy_id} that could be decided"
    return Refused(code="not_found", message=message)


def _audit(
    command: Command, wish: Decide, name: str, before: Discrepancy, after: Discrepancy
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
        before=dumps_plain(_row(before)),
        after=dumps_plain(_row(after)),
        comment=wish.comment,
        request_id=command.request_id,
    )


def _row(row: Discrepancy) -> dict[str, object]:
    fix = None if row.fix is None else read(row.fix)
    return discrepancy_row(row, read(row.evidence), fix)
