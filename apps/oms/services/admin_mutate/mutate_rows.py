"""``admin_mutate``: corrections of rows of one account, each on its own, by the account's worker.

The facts of a deal are never changed: a wrong deal is reversed by a reversing deal, and the right
one is booked. A position is led to its new values by a deal of its own. So the rows remain the
replay of their deals, and ``verify`` and ``replay`` find nothing. Every changed row has an entry in
the audit log, with before and after.
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
        payload: AdminMutate,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Correct each row or return why not; the result's value reports each item."""
        results: list[dict[str, Any]] = []
        first_refusal: Refused | None = None
        has_success = False
        for item in payload.items:
            task = MutateTask(state=state, command=command, item=item, changes=changes, now=now)
            outcome = await self._mutate(payload.entity, task)
            if isinstance(outcome, Refused):
                first_refusal = first_refusal or outcome
                results.append(_item_result(item, None, outcome))
                continue
            has_success = True
            results.append(_item_result(item, outcome.id, None))
            await self._audit(task, payload, outcome)
        value = dumps_fast(results)
        if first_refusal is not None and not has_success:
            return CommandResult(status=CommandStatus.REFUSED, error=first_refusal, value=value)
        return CommandResult(status=CommandStatus.DONE, value=value)

    async def _mutate(self, entity: str, task: MutateTask) -> MutatedRow | Refused:
        account_id = task.item.row.get("account_id")
        if account_id is not None and int(str(account_id)) != task.state.account.id:
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
        except Malformed as error:
            return Refused(code=error.code, message=error.message)

    async def _audit(self, task: MutateTask, payload: AdminMutate, mutated: MutatedRow) -> None:
        await self.ids.ensure("audit", 1)
        entry = self.permissions.audit_entry(
            task.command,
            action="admin_mutate",
            entity=_ENTITY[payload.entity],
            entity_id=mutated.id,
            account_id=task.state.account.id,
            before=_json(mutated.before),
            after=_json(mutated.after),
            comment=payload.comment,
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
    """Build the service with everything it needs."""
    admin_orders = AdminOrderFactory(ids=ids)
    correct = CorrectDeals(
        record=record, ids=ids, load_history=record.load_history, admin_orders=admin_orders
    )
    return MutateRows(
        ids=ids,
        permissions=permissions,
        orders=MutateOrders(
            ledger=ledger, record=record, position_ops=position_ops, admin_orders=admin_orders
        ),
        positions=MutatePositions(
            ledger=ledger,
            audit=audit,
            history=history,
            record=record,
            position_ops=position_ops,
            correct=correct,
            admin_orders=admin_orders,
        ),
        deals=MutateDeals(
            ledger=ledger,
            history=history,
            record=record,
            correct=correct,
            admin_orders=admin_orders,
        ),
    )


def _json(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else dumps(row)


def _item_result(item: MutateItem, row_id: int | None, refused: Refused | None) -> dict[str, Any]:
    requested_id = item.row.get("id")
    return {
        "index": item.index,
        "ok": refused is None,
        "op": item.op,
        "id": row_id
        if refused is None
        else (None if requested_id is None else int(str(requested_id))),
        "error": None if refused is None else f"{refused.code}: {refused.message}",
        "status": 200 if refused is None else error_mapping_of(refused).status,
    }
