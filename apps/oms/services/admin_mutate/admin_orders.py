"""Orders for what an admin books manually: every execution belongs to an order, these too."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from oms.domain.account import PositionMode
from oms.domain.errors import Refused
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order, OrderState
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.services.account_state.state import AccountState
from oms.services.admin_mutate.mutate_item import MutateTask

ADMIN_REASON = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminOrderFactory:
    """Creates orders for admin corrections."""

    ids: IdBlocks

    async def create(
        self, task: MutateTask, symbol: str, side: Side, qty: Decimal, values: Mapping[str, Any]
    ) -> Order | Refused:
        """Return a market order over ``qty`` for the next execution; it is not staged yet."""
        refused = _refuse_target(task, symbol, side, values)
        if refused is not None:
            return refused
        state = task.state
        ticket = values.get("position_id", 0)
        position = state.positions.get(ticket)
        strategy_id = 0 if position is None else position.strategy_id
        await self.ids.ensure("order", 1)
        return Order(
            id=self.ids("order"),
            account_id=state.account.id,
            command_id=task.command.id,
            symbol=symbol,
            side=side,
            order_type=values.get("order_type", "market"),
            qty=qty,
            price=values.get("price") if "order_type" in values else None,
            strategy_id=values.get("strategy_id", strategy_id),
            position_id=ticket,
            ticket_id=ticket,
            reason=ADMIN_REASON,
            comment=values.get("comment"),
            client_order_id=values.get("client_order_id") or task.name,
            exchange_order_id=values.get("exchange_order_id"),
            stop_loss=values.get("stop_loss"),
            stop_gain=values.get("stop_gain"),
            reduce_only=bool(values.get("reduce_only")) or _closes(state, position, side),
            new_position=bool(values.get("new_position")),
            created_at=task.now,
            updated_at=task.now,
        )

    def put(self, task: MutateTask, order: Order) -> None:
        """Add the order to the unit of work."""
        task.state.put_order(order, is_new=True)
        task.changes.orders[order.id] = order

    async def create_closed(
        self, task: MutateTask, values: Mapping[str, Any], state: OrderState
    ) -> Order | Refused:
        """Create an order that is already final."""
        order = await self.create(
            task, values["symbol"], Side(values["side"]), values["qty"], values
        )
        if isinstance(order, Refused):
            return order
        closed = evolve(order, state=state, closed_at=task.now)
        self.put(task, closed)
        return closed


def _closes(state: AccountState, position: Position | None, side: Side) -> bool:
    """Return whether the order names a ticket of the other side: such an order opens none."""
    is_hedge = state.account.position_mode is PositionMode.HEDGE
    return is_hedge and position is not None and position.side is not side


def _refuse_target(
    task: MutateTask, symbol: str, side: Side, values: Mapping[str, Any]
) -> Refused | None:
    """Refuse a position or strategy that does not exist."""
    state, ticket = task.state, values.get("position_id", 0)
    strategy_id = values.get("strategy_id", 0)
    if strategy_id and strategy_id not in state.strategy_ids:
        message = f"strategy {strategy_id} is not active on account {state.account.id}"
        return Refused(code="invalid_strategy_id", message=message)
    if not ticket:
        return None
    position = state.positions.get(ticket)
    if position is None or position.symbol != symbol:
        message = f"position {ticket} is not an open position of {symbol} in this account"
        return Refused(code="invalid_position_id", message=message)
    is_strategy_netting = state.account.position_mode is PositionMode.STRATEGY_NETTING
    if (
        is_strategy_netting
        and values.get("strategy_id", position.strategy_id) != position.strategy_id
    ):
        message = f"position {ticket} belongs to strategy {position.strategy_id}"
        return Refused(code="invalid_strategy_id", message=message)
    return None
