"""Events as they are stored and told: ``{namespace, event, strategy_id, payload}``.

One outbox row carries all events of one command or report, in the order told: the fine-grained
ones first, then the full rows: deals, orders, positions; then the command.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from oms.domain.command import Command, CommandResult
from oms.domain.deal import Deal
from oms.domain.event import Event, Namespace
from oms.domain.money import plain
from oms.domain.order import Order
from oms.domain.position import Position
from oms.wire.json import dumps_plain
from oms.wire.ledger import Row, deal_row, order_row, position_row

EVENTS_PER_ROW_MAX = 500
"""How many events one outbox row may carry."""


class Told(NamedTuple):
    """One event on the wire."""

    namespace: str
    event: str
    strategy_id: int
    payload: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Tale:
    """All that one command or report changed."""

    account_id: int
    events: Sequence[Event] = ()
    deals: Sequence[Deal] = ()
    deals_removed: Sequence[Deal] = ()
    orders: Sequence[Order] = ()
    positions: Sequence[Position] = ()
    #: Why each order changed, and whether it was a late fill, by order id.
    exec_types: Mapping[int, tuple[str, bool]] = field(default_factory=dict)
    command: tuple[Command, CommandResult] | None = None


def told(tale: Tale) -> Iterator[Told]:
    """The events of ``tale`` in their order."""
    position = Namespace.POSITION.value
    account_id = tale.account_id
    for event in tale.events:
        facts = {"account_id": account_id, **event.facts}
        yield Told(
            namespace=event.namespace.value,
            event=event.name,
            strategy_id=event.strategy_id,
            payload=_plain_facts(facts),
        )
    for deal in tale.deals:
        yield _row("deal_updated", deal.strategy_id, deal_row(deal))
    for deal in tale.deals_removed:
        row = {**deal_row(deal), "__deleted": True, "deal_id": deal.id}
        yield _row("deal_deleted", deal.strategy_id, row)
    for order in tale.orders:
        exec_type, late = tale.exec_types.get(order.id, (None, False))
        row = order_row(order) | {"exec_type": exec_type, "late_fill": late}
        yield _row("order_updated", order.strategy_id, row)
    for held in tale.positions:
        yield Told(
            namespace=position,
            event="position_updated",
            strategy_id=held.strategy_id,
            payload=position_row(held),
        )
    if tale.command is not None:
        yield command_updated(*tale.command)


def command_updated(command: Command, result: CommandResult) -> Told:
    """That a command ended, and how."""
    error = result.error
    payload: Row = {
        "account_id": command.account_id,
        "command_id": command.id,
        "command": command.type,
        "status": result.status.value,
        "request_id": command.request_id,
        "order_id": result.order_id,
        "error": None if error is None else {"code": error.code, "message": error.message},
    }
    return Told(
        namespace=Namespace.COMMAND.value,
        event="command_updated",
        strategy_id=getattr(command.payload, "strategy_id", 0),
        payload=payload,
    )


def outbox_payload(events: Sequence[Told]) -> tuple[str, str, str]:
    """Namespace, event type and payload text of the outbox row that carries ``events``."""
    if len(events) == 1:
        only = events[0]
        return only.namespace, only.event, dumps_plain(only.payload)
    items = [
        {
            "namespace": one.namespace,
            "event": one.event,
            "strategy_id": one.strategy_id,
            "payload": one.payload,
        }
        for one in events
    ]
    return "batch", "batch", dumps_plain(items)


def _row(event: str, strategy_id: int, payload: Row) -> Told:
    return Told(
        namespace=Namespace.POSITION.value, event=event, strategy_id=strategy_id, payload=payload
    )


def _plain_facts(facts: Mapping[str, object]) -> dict[str, Any]:
    """Facts with decimals as text; most hold none below the first level."""
    return {key: _plain_value(value) for key, value in facts.items()}


def _plain_value(value: object) -> Any:
    match value:
        case None | str() | int():
            return value
        case Decimal():
            return plain(value)
        case Mapping():
            return _plain_facts(value)
        case list() | tuple():
            return [_plain_value(item) for item in value]
        case _:
            raise TypeError(f"{type(value).__name__} is no fact of an event")
