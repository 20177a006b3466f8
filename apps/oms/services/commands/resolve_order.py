"""Orders of unknown outcome, queried or resolved by an operator: ``refresh`` and ``resolve``.

Nothing is sent to the exchange but queries. A declaration of an operator is recorded as a report
with that source, and in the audit log; a later report of the exchange overrides it.
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
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.pending import PendingCall
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes, RecordReports
from oms.wire.json import dumps
from oms.wire.responses.ledger_rows import order_row

NOT_PLACED = "not_placed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOrder:
    """Runs ``RefreshOrder`` and ``ResolveUnknownOrder``."""

    ledger: LedgerStore
    record: RecordReports
    permissions: CommandPermissions

    async def refresh(
        self,
        state: AccountState,
        command: Command,
        payload: RefreshOrder,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Query the exchange for the order; an order that was never sent is not queried."""
        order = await self._order(state, payload.order_id)
        if order is None:
            return _order_not_found(payload.order_id)
        if order.reject_source == "oms":
            return _done_result(order.id)
        return await self._query(state, command, order, None, changes, now)

    async def resolve(
        self,
        state: AccountState,
        command: Command,
        payload: ResolveUnknownOrder,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Adopt one of the exchange's orders as this one, or declare that there is none."""
        order = await self._order(state, payload.order_id)
        if order is None:
            return _order_not_found(payload.order_id)
        if is_resolved(order, payload):
            return _done_result(order.id)
        refusal = _refuse_state(order, payload) or await self._refuse_taken_id(
            state, order, payload
        )
        if refusal is not None:
            return CommandResult.refused(refusal, order_id=order.id)
        if payload.action is Resolution.DECLARE_NOT_PLACED:
            return await self._declare(state, command, payload, order, changes, now)
        await self._audit(state, command, payload, order, None)
        return await self._query(state, command, order, payload.exchange_order_id, changes, now)

    async def _declare(
        self,
        state: AccountState,
        command: Command,
        payload: ResolveUnknownOrder,
        order: Order,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Record the declaration; it holds until the exchange reports the order."""
        report = ExecutionReport(
            kind=ReportKind.NOT_PLACED,
            order_id=order.id,
            source=ReportSource.OPERATOR,
            received_at=now,
            message=payload.comment or "an operator declared that it was never placed",
        )
        state.exchange.declare_not_placed(order, now)
        await self.record(state, [report], changes)
        await self._audit(state, command, payload, order, state.find_order(order.id))
        return _done_result(order.id)

    async def _query(
        self,
        state: AccountState,
        command: Command,
        order: Order,
        exchange_order_id: str | None,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        if state.exchange.sends_after_commit():
            call = partial(_query_async, state, order, exchange_order_id, now)
            state.pending_calls.append(PendingCall(command=command, make=call))
            return CommandResult(status=CommandStatus.RUNNING, order_id=order.id)
        result = await state.exchange.find_order(order, exchange_order_id, now)
        await self.record(state, result.reports, changes)
        return _query_result(order.id, result)

    async def _refuse_taken_id(
        self, state: AccountState, order: Order, payload: ResolveUnknownOrder
    ) -> Refused | None:
        """Refuse an exchange order id that another order of the ledger has."""
        exchange_order_id = payload.exchange_order_id
        if exchange_order_id is None:
            return None
        other = state.find_order_by_exchange_id(order.symbol, exchange_order_id)
        if other is None:
            stored = await self.ledger.orders_by_exchange_id(
                state.account.id, order.symbol, [exchange_order_id]
            )
            other = stored.get(exchange_order_id)
        if other is None or other.id == order.id:
            return None
        message = (
            f"order {other.id} is the exchange's {exchange_order_id} already; reassign that one"
        )
        return Refused(code="conflict", reason="exchange_order_id", message=message)

    async def _audit(
        self,
        state: AccountState,
        command: Command,
        payload: ResolveUnknownOrder,
        before: Order,
        after: Order | None,
    ) -> None:
        await self.record.ids.ensure("audit", 1)
        decision: dict[str, object] = {
            "action": payload.action.value,
            "exchange_order_id": payload.exchange_order_id,
        }
        entry = self.permissions.audit_entry(
            command,
            action="order_resolve",
            entity="order",
            entity_id=before.id,
            account_id=state.account.id,
            before=dumps(order_row(before)),
            after=dumps(decision if after is None else {**decision, **order_row(after)}),
            comment=payload.comment,
        )
        state.work.audits.append((self.record.ids("audit"), entry))

    async def _order(self, state: AccountState, order_id: int) -> Order | None:
        """Return an order of this account from the state or, once final, from the store."""
        return state.find_order(order_id) or await self.ledger.order(state.account.id, order_id)


def is_resolved(order: Order, payload: ResolveUnknownOrder) -> bool:
    """Return whether the order already is as requested: a repeated request changes nothing."""
    if payload.action is Resolution.DECLARE_NOT_PLACED:
        return _is_not_placed(order)
    has_outcome = order.state not in (OrderState.UNKNOWN, OrderState.PENDING_SUBMIT)
    return has_outcome and order.exchange_order_id == payload.exchange_order_id


def _refuse_state(order: Order, payload: ResolveUnknownOrder) -> Refused | None:
    """Refuse orders that are not of unknown outcome, or that have an id at the exchange."""
    if order.state is OrderState.UNKNOWN:
        exchange_order_id, requested_id = order.exchange_order_id, payload.exchange_order_id
        if payload.action is Resolution.ADOPT and exchange_order_id not in (None, requested_id):
            return _refuse_known_outcome(order, f"the exchange has it as {exchange_order_id}")
        return None
    if payload.action is Resolution.ADOPT and _is_not_placed(order) and not order.filled_qty:
        return None
    return _refuse_known_outcome(order, f"it is {order.state}")


def _refuse_known_outcome(order: Order, detail: str) -> Refused:
    message = f"order {order.id} is not in doubt: {detail}"
    return Refused(code="invalid_order_state", reason="order_not_in_doubt", message=message)


def _is_not_placed(order: Order) -> bool:
    return order.state is OrderState.REJECTED and order.reject_code == NOT_PLACED


async def _query_async(
    state: AccountState, order: Order, exchange_order_id: str | None, now: datetime
) -> CommandResult:
    """Run a query that takes time; what it finds is recorded with the next poll."""
    return _query_result(order.id, await state.exchange.find_order(order, exchange_order_id, now))


def _query_result(order_id: int, result: OrderQueryResult) -> CommandResult:
    if result.refused is None:
        return _done_result(order_id)
    status = CommandStatus.FAILED
    return CommandResult(status=status, error=result.refused, order_id=order_id)


def _done_result(order_id: int) -> CommandResult:
    return CommandResult(status=CommandStatus.DONE, order_id=order_id)


def _order_not_found(order_id: int) -> CommandResult:
    refused = Refused(code="order_not_found", message=f"there is no order {order_id}")
    return CommandResult.refused(refused, order_id=order_id)
