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

from oms.domain.command import Command, CommandResult, CommandStatus
from oms.domain.control import AdminMutate, MutateItem
from oms.domain.errors import Refused
from oms.ports.audit_reads import AuditReads
from oms.ports.history import History
from oms.ports.ids import IdBlocks
from oms.ports.ledger import LedgerStore
from oms.ports.registry import AuditEntry
from oms.services.admin_order import AdminOrders
from oms.services.correct import Correct
from oms.services.home import Home
from oms.services.mutate_deals import MutateDeals
from oms.services.mutate_orders import MutateOrders
from oms.services.mutate_positions import MutatePositions
from oms.services.rearrange import Rearrange
from oms.services.record import Changes, Record
from oms.services.rights import Rights
from oms.services.task import Done, Task
from oms.wire.bodies import Malformed
from oms.wire.codes import kind_of
from oms.wire.json import dumps, dumps_plain

_ENTITY = {"orders": "order", "positions": "position", "deals": "deal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutate:
    """Runs ``AdminMutate``."""

    ids: IdBlocks
    rights: Rights
    orders: MutateOrders
    positions: MutatePositions
    deals: MutateDeals

    async def __call__(
        self, home: Home, command: Command, wish: AdminMutate, changes: Changes, now: datetime
    ) -> CommandResult:
        """Set each row right or say why not; the result's value tells of each item."""
        told: list[dict[str, Any]] = []
        first: Refused | None = None
        done = False
        for item in wish.items:
            task = Task(home=home, command=command, item=item, changes=changes, now=now)
            outcome = await self._one(wish.entity, task)
            if isinstance(outcome, Refused):
                first = first or outcome
                told.append(_told(item, None, outcome))
                continue
            done = True
            told.append(_told(item, outcome.id, None))
            await self._audit(task, wish, outcome)
        value = dumps_plain(told)
        if first is not None and not done:
            return CommandResult(status=CommandStatus.REFUSED, error=first, value=value)
        return CommandResult(status=CommandStatus.DONE, value=value)

    async def _one(self, entity: str, task: Task) -> Done | Refused:
        named = task.item.row.get("account_id")
        if named is not None and int(str(named)) != task.home.account.id:
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

    async def _audit(self, task: Task, wish: AdminMutate, done: Done) -> None:
        actor = task.command.actor
        await self.ids.ensure("audit", 1)
        entry = AuditEntry(
            actor=self.rights.name_of(actor),
            action="admin_mutate",
            entity=_ENTITY[wish.entity],
            entity_id=str(done.id),
            account_id=task.home.account.id,
            actor_user_id=actor.user_id,
            actor_api_key_id=actor.api_key_id,
            actor_role=actor.role,
            actor_ip=actor.ip or None,
            before=_json(done.before),
            after=_json(done.after),
            comment=wish.comment,
            request_id=task.command.request_id,
        )
        task.home.draft.audits.append((self.ids("audit"), entry))


def mutate_parts(
    *,
    ledger: LedgerStore,
    history: History,
    audit: AuditReads,
    ids: IdBlocks,
    record: Record,
    rights: Rights,
    rearrange: Rearrange,
) -> Mutate:
    """The part with all below it."""
    made = AdminOrders(ids=ids)
    correct = Correct(record=record, ids=ids, unfold=record.unfold, admin_orders=made)
    return Mutate(
        ids=ids,
        rights=rights,
        orders=MutateOrders(ledger=ledger, record=record, rearrange=rearrange, admin_orders=made),
        positions=MutatePositions(
            ledger=ledger,
            audit=audit,
            history=history,
            record=record,
            rearrange=rearrange,
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
        "status": 200 if refused is None else kind_of(refused).status,
    }
