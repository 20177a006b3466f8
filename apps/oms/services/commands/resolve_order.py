"""Orders in doubt, asked for or settled because somebody says so: ``refresh`` and ``resolve``.

Nothing is sent but questions. What an operator says is a report like any other, heard from him,
and stands in the audit log; the exchange's own word, whenever it comes, is stronger.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from oms.domain.commands.account_commands import RefreshOrder, Resolution, ResolveUnknownOrder
from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order, OrderState
from oms.ports.exchange import OrderQueryResult
from oms.ports.ledger_store import LedgerStore
from oms.ports.registry import AuditEntry
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState, PendingCall
from oms.services.ledger.record import Changes, RecordReports
from oms.wire.json import dumps
from oms.wire.responses.ledger_rows import order_row

NOT_PLACED = "not_placed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOrder:
    """By the account's one writer."""

    ledger: LedgerStore
    record: RecordReports
    permissions: CommandPermissions

    async def refresh(
        self,
        state: AccountState,
        command: Command,
        wish: RefreshOrder,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Ask the exchange for the order; what never left us is asked of nobody."""
        order = await self._order(state, wish.order_id)
        if order is None:
            return _refused(wish.order_id, _no_order(wish.order_id))
        if order.reject_source == "oms":
            return _done(order.id)
        return await self._look(state, command, order, None, changes, now)

    async def resolve(
        self,
        state: AccountState,
        command: Command,
        wish: ResolveUnknownOrder,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Adopt one of the exchange's orders as this one, or declare that there is none."""
        order = await self._order(state, wish.order_id)
        if order is None:
            return _refused(wish.order_id, _no_order(wish.order_id))
        if is_resolved(order, wish):
            return _done(order.id)
        refused = _refuse_state(order, wish) or await self._refuse_taken(state, order, wish)
        if refused is not None:
            return _refused(order.id, refused)
        if wish.action is Resolution.DECLARE_NOT_PLACED:
            return await self._declare(state, command, wish, order, changes, now)
        await self._audit(state, command, wish, order, None)
        return await self._look(state, command, order, wish.exchange_order_id, changes, now)

    async def _declare(
        self,
        state: AccountState,
        command: Command,
        wish: ResolveUnknownOrder,
        order: Order,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """It is believed until the order turns up all the same."""
        report = ExecutionReport(
            kind=ReportKind.NOT_PLACED,
            order_id=order.id,
            source=ReportSource.OPERATOR,
            received_at=now,
            message=wish.comment or "an operator says that it was never placed",
        )
        state.exchange.declare_not_placed(order, now)
        await self.record(state, [report], changes)
        await self._audit(state, command, wish, order, state.find_order(order.id))
        return _done(order.id)

    async def _look(
        self,
        state: AccountState,
        command: Command,
        order: Order,
        name: str | None,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        if state.exchange.sends_after_commit():
            make = partial(_looked, state, order, name, now)
            state.pending_calls.append(PendingCall(command=command, make=make))
            return CommandResult(status=CommandStatus.RUNNING, order_id=order.id)
        looked = await state.exchange.find_order(order, name, now)
        await self.record(state, looked.reports, changes)
        return _ended(order.id, looked)

    async def _refuse_taken(
        self, state: AccountState, order: Order, wish: ResolveUnknownOrder
    ) -> Refused | None:
        """Refuse an id under which the ledger holds another order."""
        name = wish.exchange_order_id
        if name is None:
            return None
        held = state.find_order_by_exchange_id(order.symbol, name)
        if held is None:
            stored = await self.ledger.orders_by_exchange_id(state.account.id, order.symbol, [name])
            held = stored.get(name)
        if held is None or held.id == order.id:
            return None
        message = f"order {held.id} is the exchange's {name} already; reassign that one"
        return Refused(code="conflict", reason="exchange_order_id", message=message)

    async def _audit(
        self,
        state: AccountState,
        command: Command,
        wish: ResolveUnknownOrder,
        before: Order,
        after: Order | None,
    ) -> None:
        actor = command.actor
        await self.record.ids.ensure("audit", 1)
        said: dict[str, object] = {
            "action": wish.action.value,
            "exchange_order_id": wish.exchange_order_id,
        }
        entry = AuditEntry(
            actor=self.permissions.actor_name(actor),
            action="order_resolve",
            entity="order",
            entity_id=str(before.id),
            account_id=state.account.id,
            actor_user_id=actor.user_id,
            actor_api_key_id=actor.api_key_id,
            actor_role=actor.role,
            actor_ip=actor.ip or None,
            before=dumps(order_row(before)),
            after=dumps(said | ({} if after is None else order_row(after))),
            comment=wish.comment,
            request_id=command.request_id,
        )
        state.work.audits.append((self.record.ids("audit"), entry))

    async def _order(self, state: AccountState, order_id: int) -> Order | None:
        """An order of this account, from memory or, once final, from the store."""
        return state.find_order(order_id) or await self.ledger.order(state.account.id, order_id)


def is_resolved(order: Order, wish: ResolveUnknownOrder) -> bool:
    """Whether it is already as ``wish`` says: said twice is said once."""
    if wish.action is Resolution.DECLARE_NOT_PLACED:
        return _is_not_placed(order)
    is_known = order.state not in (OrderState.UNKNOWN, OrderState.PENDING_SUBMIT)
    return is_known and order.exchange_order_id == wish.exchange_order_id


def _refuse_state(order: Order, wish: ResolveUnknownOrder) -> Refused | None:
    """Only an order in doubt is declared; only one without an id at the exchange is adopted."""
    if order.state is OrderState.UNKNOWN:
        name, wished = order.exchange_order_id, wish.exchange_order_id
        if wish.action is Resolution.ADOPT and name not in (None, wished):
            return _not_in_doubt(order, f"the exchange calls it {name}")
        return None
    if wish.action is Resolution.ADOPT and _is_not_placed(order) and not order.filled_qty:
        return None
    return _not_in_doubt(order, f"it is {order.state}")


def _not_in_doubt(order: Order, why: str) -> Refused:
    message = f"order {order.id} is not in doubt: {why}"
    return Refused(code="invalid_order_state", reason="order_not_in_doubt", message=message)


def _is_not_placed(order: Order) -> bool:
    return order.state is OrderState.REJECTED and order.reject_code == NOT_PLACED


async def _looked(
    state: AccountState, order: Order, name: str | None, now: datetime
) -> CommandResult:
    """A look that takes time: what it finds is told with all else that is heard."""
    return _ended(order.id, await state.exchange.find_order(order, name, now))


def _ended(order_id: int, looked: OrderQueryResult) -> CommandResult:
    if looked.refused is None:
        return _done(order_id)
    status = CommandStatus.FAILED
    return CommandResult(status=status, error=looked.refused, order_id=order_id)


def _done(order_id: int) -> CommandResult:
    return CommandResult(status=CommandStatus.DONE, order_id=order_id)


def _refused(order_id: int, why: Refused) -> CommandResult:
    return CommandResult(status=CommandStatus.REFUSED, error=why, order_id=order_id)


def _no_order(order_id: int) -> Refused:
    return Refused(code="order_not_found", message=f"there is no order {order_id}")
