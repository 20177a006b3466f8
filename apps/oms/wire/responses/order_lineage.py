"""The chain of one order: its signal, its command, orders that belong to it, deals, positions."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.signals.signal import SignalAction, SignalKind, SignalStatus
from oms.domain.value import value
from oms.ports.command_queue import CommandRow
from oms.ports.signals.stored_signals import SignalRow
from oms.wire.json import optional_time_text, time_text
from oms.wire.responses.ledger_rows import (
    DealRow,
    OrderRow,
    PositionRow,
    deal_row,
    order_row,
    position_row,
)
from oms.wire.responses.value_types import Count, Id, TimeText, one_of


class LineageCommand(TypedDict):
    """A command that placed an order of the chain."""

    command_id: Id
    account_id: Id
    command: str
    request_id: str | None
    status: str
    created_at: TimeText
    started_at: TimeText | None
    finished_at: TimeText | None


class LineageOrder(TypedDict):
    """An order of the chain; ``relation`` is what it is to the requested one."""

    relation: Annotated[str, one_of("self", "ancestor", "descendant", "group", "related")]
    order: OrderRow


class LineageSignal(TypedDict):
    """A signal that led to orders of the chain; it is of a source, or of a bot."""

    signal_id: Id
    account_id: Id
    kind: Annotated[str, one_of(*SignalKind)]
    source_id: Annotated[Count, Field(description="0: of a bot.")]
    bot_id: Id | None
    symbol: str
    action: Annotated[str, one_of(*SignalAction)]
    status: Annotated[str, one_of(*SignalStatus)]
    received_at: TimeText


class Lineage(TypedDict):
    """The chain of one order, each part ascending by id."""

    order_id: Id
    signals: list[LineageSignal]
    commands: list[LineageCommand]
    orders: list[LineageOrder]
    deals: list[DealRow]
    positions: list[PositionRow]


@value
class OrderLineage:
    """The stored rows of a chain."""

    order_id: int
    signals: Sequence[SignalRow]
    commands: Sequence[CommandRow]
    orders: Sequence[Order]
    deals: Sequence[Deal]
    positions: Sequence[Position]


def lineage_row(lineage: OrderLineage) -> Lineage:
    """Return the chain; marks and matched figures of its positions are null."""
    orders = {order.id: order for order in lineage.orders}
    return {
        "order_id": lineage.order_id,
        "signals": [_signal_row(signal) for signal in lineage.signals],
        "commands": [command_row(command) for command in lineage.commands],
        "orders": [
            {"relation": _relation(orders, lineage.order_id, order), "order": order_row(order)}
            for order in lineage.orders
        ],
        "deals": [deal_row(deal) for deal in lineage.deals],
        "positions": [position_row(position) for position in lineage.positions],
    }


def _signal_row(signal: SignalRow) -> LineageSignal:
    return {
        "signal_id": signal.id,
        "account_id": signal.account_id,
        "kind": signal.kind.value,
        "source_id": signal.source_id,
        "bot_id": signal.bot_id,
        "symbol": signal.symbol,
        "action": signal.action.value,
        "status": signal.status.value,
        "received_at": time_text(signal.received_at),
    }


def command_row(command: CommandRow) -> LineageCommand:
    """Return the row of a command of a chain."""
    return {
        "command_id": command.id,
        "account_id": command.account_id,
        "command": command.command_type,
        "request_id": command.request_id,
        "status": str(command.status),
        "created_at": time_text(command.created_at),
        "started_at": optional_time_text(command.started_at),
        "finished_at": optional_time_text(command.finished_at),
    }


def _relation(orders: Mapping[int, Order], order_id: int, other: Order) -> str:
    if other.id == order_id:
        return "self"
    if other.id in _ancestors(orders, order_id):
        return "ancestor"
    if order_id in _ancestors(orders, other.id):
        return "descendant"
    group_id = orders[order_id].group_id
    return "group" if group_id is not None and other.group_id == group_id else "related"


def _ancestors(orders: Mapping[int, Order], order_id: int) -> set[int]:
    found: set[int] = set()
    order = orders.get(order_id)
    while order is not None and order.parent_order_id is not None:
        if order.parent_order_id in found:
            break
        found.add(order.parent_order_id)
        order = orders.get(order.parent_order_id)
    return found
