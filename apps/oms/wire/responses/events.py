"""Event format: ``{namespace, event, strategy_id, payload}``.

One outbox row carries all events of one command or report in order: the fine-grained ones first,
then the full rows (deals, orders, positions), then the command.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, cast

from typing_extensions import TypedDict

from oms.domain.commands.command import Command, CommandResult
from oms.domain.errors import Refused
from oms.domain.event import Event, Namespace
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.value import constructor, value
from oms.ports.ledger_store import EventRow
from oms.wire.error_codes import error_mapping_of
from oms.wire.json import NotJson, dumps_fast, loads
from oms.wire.responses.ledger_rows import Row, deal_row, order_row, position_row
from oms.wire.responses.value_types import Count, TimeText

_POSITION, _COMMAND = str(Namespace.POSITION), str(Namespace.COMMAND)

_BATCH = "batch"
EVENTS_PER_ROW_MAX = 500
"""Maximum number of events per outbox row."""


class EventBody(TypedDict):
    """An event as clients get it; ``seq`` counts the events of its account without holes."""

    event_id: Count
    account_id: Count
    seq: Count
    namespace: str
    event: str
    ts: TimeText
    payload: dict[str, Any]


EventGap = TypedDict("EventGap", {"account_id": Count, "from": Count, "to": Count})
"""Events that are no longer kept, cannot be decoded, or never existed."""


class Events(TypedDict):
    """A page of event streams; ``next_after`` continues it."""

    items: list[EventBody]
    next_after: str
    heads: dict[str, Count]
    gaps: list[EventGap]


class WireEvent(TypedDict):
    """One event; numbers in the payload may still be decimals."""

    namespace: str
    event: str
    strategy_id: int
    payload: Mapping[str, Any]


@value
class EventSource:
    """All changes of one command or report."""

    account_id: int
    events: Sequence[Event] = ()
    deals: Sequence[Deal] = ()
    deals_removed: Sequence[Deal] = ()
    orders: Sequence[Order] = ()
    positions: Sequence[Position] = ()
    #: Execution type and late-fill flag by order id.
    exec_types: Mapping[int, tuple[str, bool]] = field(default_factory=dict)
    command: tuple[Command, CommandResult] | None = None


def build_events(source: EventSource) -> list[WireEvent]:
    """Return the events of ``source`` in order."""
    built: list[WireEvent] = [
        {
            "namespace": str(event.namespace),
            "event": event.name,
            "strategy_id": event.strategy_id,
            "payload": {"account_id": source.account_id, **_facts(event)},
        }
        for event in source.events
    ]
    built += [_row("deal_updated", deal.strategy_id, deal_row(deal)) for deal in source.deals]
    for deal in source.deals_removed:
        deleted = {**deal_row(deal), "__deleted": True, "deal_id": deal.id}
        built.append(_row("deal_deleted", deal.strategy_id, deleted))
    for order in source.orders:
        exec_type, is_late = source.exec_types.get(order.id, (None, False))
        row = cast(Row, order_row(order, passed_limits=False))
        row["exec_type"], row["late_fill"] = exec_type, is_late
        built.append(_row("order_updated", order.strategy_id, row))
    for position in source.positions:
        built.append(_row("position_updated", position.strategy_id, position_row(position)))
    if source.command is not None:
        built.append(command_updated(*source.command))
    return built


def _facts(event: Event) -> Mapping[str, object]:
    if event.name != "order_rejected":
        return event.facts
    code, outcome = str(event.facts["code"]), str(event.facts["outcome"])
    kind = error_mapping_of(Refused(code=code, message="", outcome=outcome))
    is_invalid_request = kind.ccxt_class == "BadRequest" and kind.status == 422
    return {**event.facts, "ccxt_class": "InvalidOrder" if is_invalid_request else kind.ccxt_class}


def command_updated(command: Command, result: CommandResult) -> WireEvent:
    """Return the event of a finished command."""
    error = result.error
    payload: Row = {
        "account_id": command.account_id,
        "command_id": command.id,
        "command": command.type,
        "status": str(result.status),
        "request_id": command.request_id,
        "order_id": result.order_id,
        "error": None if error is None else {"code": error.code, "message": error.message},
    }
    return {
        "namespace": _COMMAND,
        "event": "command_updated",
        "strategy_id": getattr(command.payload, "strategy_id", 0),
        "payload": payload,
    }


def outbox_payload(events: Sequence[WireEvent]) -> tuple[str, str, str]:
    """Return namespace, event type and payload text of the outbox row of ``events``."""
    if len(events) == 1:
        only = events[0]
        return only["namespace"], only["event"], dumps_fast(only["payload"])
    return _BATCH, _BATCH, dumps_fast(events)


@value
class DecodedEvent:
    """One event of a stored row, with its own id and sequence number."""

    event_id: int
    account_id: int
    seq: int
    namespace: str
    event: str
    strategy_id: int
    payload: Mapping[str, Any]


_new_decoded = constructor(DecodedEvent)


def decode_event_row(row: EventRow) -> Iterator[DecodedEvent]:
    """Yield the events of ``row``; inverse of ``outbox_payload``.

    Raises ``NotJson`` if the payload is no valid event or list of events.
    """
    payload = loads(row.payload)
    is_batch = row.event_type == _BATCH
    items = payload if is_batch else [{"payload": payload}]
    if not isinstance(items, list):
        raise NotJson("the row has no list of events")
    for offset, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("payload"), dict):
            raise NotJson("an event has no payload")
        if is_batch and "event" not in item:
            raise NotJson("an event has no name")
        yield _new_decoded(
            event_id=row.id + offset,
            account_id=row.account_id,
            seq=row.seq + offset,
            namespace=item.get("namespace", row.namespace),
            event=item.get("event", row.event_type),
            strategy_id=item.get("strategy_id", row.strategy_id),
            payload=item["payload"],
        )


def decode_complete_row(row: EventRow, after: int) -> Sequence[DecodedEvent]:
    """Return the events of ``row`` above ``after``. Raises ``NotJson`` also for a missing event."""
    events = list(decode_event_row(row))
    if len(events) != row.seq_to - row.seq + 1:
        raise NotJson(f"the row has {len(events)} events for numbers {row.seq} to {row.seq_to}")
    return [event for event in events if event.seq > after]


def _row(event: str, strategy_id: int, payload: Mapping[str, Any]) -> WireEvent:
    return {
        "namespace": _POSITION,
        "event": event,
        "strategy_id": strategy_id,
        "payload": payload,
    }
