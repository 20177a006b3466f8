"""Corrections of orders: state changes through the transition table, and free fields.

The filled quantity follows from the deals, the order's terms from what was sent. An order that is
open at the exchange is canceled there first. Rows are never deleted: they are the record of what
was sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oms.domain.commands.command import Reassign
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order, OrderState, next_state
from oms.domain.value import evolve
from oms.ports.ledger_store import LedgerStore
from oms.services.admin_mutate.admin_orders import AdminOrderFactory
from oms.services.admin_mutate.mutate_item import MutatedRow, MutateTask, not_mutable, row_not_found
from oms.services.commands.position_ops import PositionOps
from oms.services.ledger.record import RecordReports
from oms.wire.admin.row_mutations import changes_of, row_id, values_of
from oms.wire.responses.ledger_rows import order_row

_FREE_COLUMNS = ("comment", "reconciled", "stop_loss", "stop_gain")
_TARGET_COLUMNS = ("strategy_id", "position_id")
_STATE_COLUMNS = ("status", "state")
_ALTERNATIVES = {
    "filled_qty": "it is the sum of the order's deals: correct those",
    "avg_fill_price": "it follows from the order's deals: correct those",
    "qty": "it is what was sent: use change_order",
    "price": "it is what was sent: use change_order",
}
_KINDS: Mapping[OrderState, ReportKind] = {
    OrderState.CANCELED: ReportKind.CANCELED,
    OrderState.EXPIRED: ReportKind.EXPIRED,
    OrderState.REJECTED: ReportKind.REJECTED,
}
_ENDED = frozenset({"CANCELED", "EXPIRED", "REJECTED"})
_COLUMNS = dict.fromkeys(
    (
        *("account_id", "symbol", "side", "order_type", "qty", "price", "status", "state"),
        *("strategy_id", "position_id", "comment", "client_order_id", "exchange_order_id"),
        *("stop_loss", "stop_gain"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateOrders:
    """Runs the items of entity ``orders``."""

    ledger: LedgerStore
    record: RecordReports
    position_ops: PositionOps
    admin_orders: AdminOrderFactory

    async def __call__(self, task: MutateTask) -> MutatedRow | Refused:
        """Correct one order."""
        if task.item.op == "insert":
            return await self._insert(task)
        order_id = row_id(task.item)
        order = task.state.find_order(order_id)
        order = order or await self.ledger.order(task.state.account.id, order_id)
        if order is None:
            return row_not_found("order", order_id)
        if task.item.op == "delete":
            message = f"order {order_id} is a record: an open one is canceled, deals are corrected"
            return Refused(code="conflict", reason="not_deletable", message=message)
        return await self._update(task, order, changes_of(order_row(order), task.item))

    async def _update(
        self, task: MutateTask, order: Order, changes: dict[str, Any]
    ) -> MutatedRow | Refused:
        for column in changes:
            if column not in (*_FREE_COLUMNS, *_TARGET_COLUMNS, *_STATE_COLUMNS):
                return not_mutable(
                    column, _ALTERNATIVES.get(column, "it is a fact, or follows from one")
                )
        groups = [
            g
            for g in (_TARGET_COLUMNS, _STATE_COLUMNS)
            if any(client_order_id in changes for client_order_id in g)
        ]
        if len(groups) > 1:
            message = "move an order, or end it: one at a time"
            return Refused(code="validation_error", message=message)
        refused = None
        if groups == [_STATE_COLUMNS]:
            refused = await self._end(task, order, changes)
        elif groups:
            refused = await self._move(task, order, changes)
        if refused is not None:
            return refused
        after = await self._current(task, order)
        notes = {
            client_order_id: changes[client_order_id]
            for client_order_id in _FREE_COLUMNS
            if client_order_id in changes
        }
        if notes:
            after = evolve(after, **notes, version=after.version + 1, updated_at=task.now)
            task.state.put_order(after)
            task.changes.orders[after.id] = after
        return MutatedRow(id=order.id, before=order_row(order), after=order_row(after))

    async def _current(self, task: MutateTask, order: Order) -> Order:
        return task.state.find_order(order.id) or order

    async def _move(
        self, task: MutateTask, order: Order, changes: Mapping[str, Any]
    ) -> Refused | None:
        payload = Reassign(
            order_ids=(order.id,),
            strategy_id=changes.get("strategy_id", order.strategy_id),
            position_id=changes.get("position_id", 0),
        )
        position = task.state.positions.get(payload.position_id)
        if payload.position_id and (position is None or position.symbol != order.symbol):
            message = f"position {payload.position_id} is not an open position of {order.symbol}"
            return Refused(code="invalid_position_id", message=message)
        result = await self.position_ops.reassign(task.state, payload, task.changes, task.now)
        return result.error

    async def _end(
        self, task: MutateTask, order: Order, changes: Mapping[str, Any]
    ) -> Refused | None:
        """Change the state through the transition table, at the exchange first."""
        new_state: str = changes.get("state") or changes.get("status") or ""
        kind = _KINDS.get(OrderState(new_state)) if new_state in OrderState.__members__ else None
        if kind is None:
            return not_mutable("state", "an order opens, and fills, by what happens to it")
        reached = next_state(
            order.state,
            kind,
            left=order.qty > order.filled_qty,
            filled=order.filled_qty > 0,
            code=order.reject_code,
        )
        if not order.is_open or reached is None or reached.value != new_state:
            message = f"order {order.id} is {order.state.value}: it does not become {new_state}"
            return Refused(code="invalid_order_state", reason="no_transition", message=message)
        reports = await task.state.exchange.cancel(order, task.now)
        own_reports = [report for report in reports if report.order_id == order.id]
        is_unknown = all(report.code == "order_not_found" for report in own_reports)
        if not is_unknown and kind is not ReportKind.CANCELED:
            kind = ReportKind.CANCELED  # The exchange had the order: its report is what happened.
        facts = [r for r in reports if r.kind is not ReportKind.REJECTED]
        await self.record(task.state, facts, task.changes)
        after = await self._current(task, order)
        if not is_unknown or not after.is_open:
            return None if not after.is_open or after.pending_change else _refuse_uncanceled(order)
        await self.record(task.state, [_report(kind, order, task)], task.changes)
        return None

    async def _insert(self, task: MutateTask) -> MutatedRow | Refused:
        values = values_of(_COLUMNS, task.item)
        symbol: str = values.get("symbol", "")
        side, qty = values.get("side"), values.get("qty")
        if symbol not in task.state.exchange.instruments() or side not in ("buy", "sell"):
            message = "an order has a symbol of the exchange and a side"
            return Refused(code="validation_error", message=message)
        if qty is None or qty <= 0 or any(v <= 0 for v in _prices(values)):
            message = "qty, price and stop levels of an order are above 0"
            return Refused(code="validation_error", message=message)
        new_state = values.get("state") or values.get("status") or "CANCELED"
        if new_state not in _ENDED:
            message = "only a final order is inserted: send_order opens one"
            return Refused(code="invalid_order_state", reason="not_ended", message=message)
        client_order_id = values.get("client_order_id")
        if client_order_id is not None:
            taken = await self.ledger.orders_by_client_id(
                [(task.state.account.id, client_order_id)]
            )
            drafted = any(
                o.client_order_id == client_order_id for o in task.state.uncommitted_orders()
            )
            if taken or drafted:
                message = f"client_order_id {client_order_id!r} is taken"
                return Refused(code="conflict", reason="client_order_id", message=message)
        exchange_name = values.get("exchange_order_id")
        if exchange_name is not None and await self._exists(task, symbol, exchange_name):
            message = f"exchange_order_id {exchange_name!r} is taken"
            return Refused(code="conflict", reason="exchange_order_id", message=message)
        order = await self.admin_orders.create_closed(task, values, OrderState(new_state))
        if isinstance(order, Refused):
            return order
        return MutatedRow(id=order.id, before=None, after=order_row(order))

    async def _exists(self, task: MutateTask, symbol: str, client_order_id: str) -> bool:
        if task.state.find_order_by_exchange_id(symbol, client_order_id) is not None:
            return True
        stored = await self.ledger.orders_by_exchange_id(
            task.state.account.id, symbol, [client_order_id]
        )
        return bool(stored)


def _prices(values: Mapping[str, Any]) -> list[Any]:
    names = ("price", "stop_loss", "stop_gain")
    return [values[client_order_id] for client_order_id in names if client_order_id in values]


def _refuse_uncanceled(order: Order) -> Refused:
    message = f"the exchange did not cancel order {order.id}"
    return Refused(code="exchange_rejected", message=message, outcome="rejected")


def _report(kind: ReportKind, order: Order, task: MutateTask) -> ExecutionReport:
    return ExecutionReport(
        kind=kind,
        order_id=order.id,
        source=ReportSource.OPERATOR,
        received_at=task.now,
        code="admin" if kind is ReportKind.REJECTED else None,
        message="set by an admin" if kind is ReportKind.REJECTED else None,
    )
