"""Orders that stand for what an admin books by hand: every execution has an order, these too."""

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
    """Makes them."""

    ids: IdBlocks

    async def made(
        self, task: MutateTask, symbol: str, side: Side, qty: Decimal, values: Mapping[str, Any]
    ) -> Order | Refused:
        """A market order over ``qty`` for the next execution; it is in no book yet."""
        refused = _refuse_place(task, symbol, side, values)
        if refused is not None:
            return refused
        state = task.state
        ticket = values.get("position_id", 0)
        held = state.positions.get(ticket)
        own = 0 if held is None else held.strategy_id
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
            strategy_id=values.get("strategy_id", own),
            position_id=ticket,
            ticket_id=ticket,
            reason=ADMIN_REASON,
            comment=values.get("comment"),
            client_order_id=values.get("client_order_id") or task.name,
            exchange_order_id=values.get("exchange_order_id"),
            stop_loss=values.get("stop_loss"),
            stop_gain=values.get("stop_gain"),
            reduce_only=bool(values.get("reduce_only")) or _closes(state, held, side),
            new_position=bool(values.get("new_position")),
            created_at=task.now,
            updated_at=task.now,
        )

    def put(self, task: MutateTask, order: Order) -> None:
        """Write the order with the next commit."""
        task.state.put_order(order, is_new=True)
        task.changes.orders[order.id] = order

    async def ended(
        self, task: MutateTask, values: Mapping[str, Any], state: OrderState
    ) -> Order | Refused:
        """An order that was over before it was written down."""
        made = await self.made(task, values["symbol"], Side(values["side"]), values["qty"], values)
        if isinstance(made, Refused):
            return made
        over = evolve(made, state=state, closed_at=task.now)
        self.put(task, over)
        return over


def _closes(state: AccountState, held: Position | None, side: Side) -> bool:
    """Whether it names a ticket of the other side: such an order opens none."""
    hedged = state.account.position_mode is PositionMode.HEDGE
    return hedged and held is not None and held.side is not side


def _refuse_place(
    task: MutateTask, symbol: str, side: Side, values: Mapping[str, Any]
) -> Refused | None:
    """Refuse a position or strategy that is not there."""
    state, ticket = task.state, values.get("position_id", 0)
    strategy_id = values.get("strategy_id", 0)
    if strategy_id and strategy_id not in state.strategy_ids:
        message = f"strategy {strategy_id} is not active on account {state.account.id}"
        return Refused(code="invalid_strategy_id", message=message)
    if not ticket:
        return None
    held = state.positions.get(ticket)
    if held is None or held.symbol != symbol:
        message = f"position {ticket} is no open position of {symbol} in this account"
        return Refused(code="invalid_position_id", message=message)
    per_strategy = state.account.position_mode is PositionMode.STRATEGY_NETTING
    if per_strategy and values.get("strategy_id", held.strategy_id) != held.strategy_id:
        message = f"position {ticket} belongs to strategy {held.strategy_id}"
        return Refused(code="invalid_strategy_id", message=message)
    return None
