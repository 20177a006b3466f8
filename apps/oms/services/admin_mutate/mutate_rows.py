"""``admin_mutate``: rows of one account set right, each by itself, under the account's lease.

The facts of a deal are never changed: what is wrong is taken back by a reversing deal, and the
right one is booked in its place. A position is led where it shall be by a deal of its own. So the
books are the fold of their deals afterwards as before, and whoever checks or replays them finds
nothing. Each row that changed has its row in the audit log, with before and after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oms.domain.commands.account_commands import AdminMutate, MutateItem
from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.ports.history_reads import HistoryReads
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.ports.registry import AuditEntry
from oms.ports.verification_reads import VerificationReads
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState
from oms.services.admin_mutate.admin_orders import AdminOrderFactory
from oms.services.admin_mutate.correct_deals import CorrectDeals
from oms.services.admin_mutate.mutate_deals import MutateDeals
from oms.services.admin_mutate.mutate_item import MutatedRow, MutateTask
from oms.services.admin_mutate.mutate_orders import MutateOrders
from oms.services.admin_mutate.mutate_positions import MutatePositions
from oms.services.commands.position_ops import PositionOps
from oms.services.ledger.record import Changes, RecordReports
from oms.wire.error_codes import error_mapping_of
from oms.wire.json import dumps, dumps_fast
from oms.wire.request_body import Malformed

_ENTITY = {"orders": "order", "positions": "position", "deals": "deal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateRows:
    """Runs ``AdminMutate``."""

    ids: IdBlocks
    permissions: CommandPermissions
    orders: MutateOrders
    positions: MutatePositions
    deals: MutateDeals

    async def __call__(
        self,
        state: AccountState,
        command: Command,
        wish: AdminMutate,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Set each row right or say why not; the result's value tells of each item."""
        told: list[dict[str, Any]] = []
        first: Refused | None = None
        done = False
        for item in wish.items:
            task = MutateTask(state=state, command=command, item=item, changes=changes, now=now)
            outcome = await self._one(wish.entity, task)
            if isinstance(outcome, Refused):
                first = first or outcome
                told.append(_told(item, None, outcome))
                continue
            done = True
            told.append(_told(item, outcome.id, None))
            await self._audit(task, wish, outcome)
        value = dumps_fast(told)
        if first is not None and not done:
            return CommandResult(status=CommandStatus.REFUSED, error=first, value=value)
        return CommandResult(status=CommandStatus.DONE, value=value)

    async def _one(self, entity: str, task: MutateTask) -> MutatedRow | Refused:
        named = task.item.row.get("account_id")
        if named is not None and int(str(named)) != task.state.account.id:
            message = "a row does not move to another account"
            return Refused(code="column_not_mutable", reason="account_id", message=message)
        try:
            match entity:
                case "orders":
                    return await self.orders(task)
                case "positions":
                    return await self.positions(task)
                case _:
                    return await self.deals(task)
        except Malformed as wrong:
            return Refused(code=wrong.code, message=wrong.message)

    async def _audit(self, task: MutateTask, wish: AdminMutate, done: MutatedRow) -> None:
        actor = task.command.actor
        await self.ids.ensure("audit", 1)
        entry = AuditEntry(
            actor=self.permissions.actor_name(actor),
            action="admin_mutate",
            entity=_ENTITY[wish.entity],
            entity_id=str(done.id),
            account_id=task.state.account.id,
            actor_user_id=actor.user_id,
            actor_api_key_id=actor.api_key_id,
            actor_role=actor.role,
            actor_ip=actor.ip or None,
            before=_json(done.before),
            after=_json(done.after),
            comment=wish.comment,
            request_id=task.command.request_id,
        )
        task.state.work.audits.append((self.ids("audit"), entry))


def build_mutate_rows(
    *,
    ledger: LedgerStore,
    history: HistoryReads,
    audit: VerificationReads,
    ids: IdBlocks,
    record: RecordReports,
    permissions: CommandPermissions,
    position_ops: PositionOps,
) -> MutateRows:
    """The part with all below it."""
    made = AdminOrderFactory(ids=ids)
    correct = CorrectDeals(
        record=record, ids=ids, load_history=record.load_history, admin_orders=made
    )
    return MutateRows(
        ids=ids,
        permissions=permissions,
        orders=MutateOrders(
            ledger=ledger, record=record, position_ops=position_ops, admin_orders=made
        ),
        positions=MutatePositions(
            ledger=ledger,
            audit=audit,
            history=history,
            record=record,
            position_ops=position_ops,
            correct=correct,
            admin_orders=made,
        ),
        deals=MutateDeals(
            ledger=ledger,
            history=history,
            record=record,
            correct=correct,
            admin_orders=made,
        ),
    )


def _json(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else dumps(row)


def _told(item: MutateItem, row_id: int | None, refused: Refused | None) -> dict[str, Any]:
    sent = item.row.get("id")
    return {
        "index": item.index,
        "ok": refused is None,
        "op": item.op,
        "id": row_id if refused is None else (None if sent is None else int(str(sent))),
        "error": None if refused is None else f"{refused.code}: {refused.message}",
        "status": 200 if refused is None else error_mapping_of(refused).status,
    }
