"""Invariants of events and commands, as pure functions.

Only retained events are checked: retention deletes the oldest first.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms.domain.commands.command import CommandStatus
from oms.domain.orders.order import Order
from oms.ports.command_queue import CommandRow
from oms.ports.history_reads import StoredEventRow
from oms.services.verify.event_projection import EventProjection
from oms.services.verify.findings import Finding, make_finding
from oms.wire.commands.command_codec import is_read_only
from oms.wire.json import NotJson
from oms.wire.responses.events import DecodedEvent, decode_event_row

_FAILED_STATUSES = frozenset({CommandStatus.FAILED, CommandStatus.REFUSED})
"""Statuses of commands that have an error."""


@dataclass(slots=True)
class EventCheck:
    """Checks the event rows of one account, added in ascending order.

    ``last`` is the number before that of the next row; ``events`` counts the checked numbers.
    Memory holds one number per reported command and row.
    """

    last: int
    from_seq: int = 0
    events: int = 0
    oldest_at: datetime | None = None
    reported_command_ids: set[int] = field(default_factory=set)
    projection: EventProjection = field(default_factory=EventProjection)
    _in_doubt: set[int] = field(default_factory=set)

    def add(self, stored: StoredEventRow) -> Iterator[Finding]:
        """Check the next row; the caller may set ``last`` to accept a gap before it."""
        row, expected = stored.row, self.last + 1
        if self.oldest_at is None or stored.created_at < self.oldest_at:
            self.oldest_at = stored.created_at
        begins = not self.events and row.seq <= self.from_seq
        if row.seq != expected and not begins:
            yield make_finding("event_numbers", "event", row.id, expected, row.seq)
        items = _items(stored)
        numbers = row.seq_to - row.seq + 1
        if items is None:
            yield make_finding("event_payload", "event", row.id, "JSON", "something else")
        elif len(items) != numbers:
            yield make_finding("event_count", "event", row.id, f"{numbers} events", f"{len(items)}")
        for item in items or ():
            self.projection.apply(item)
            yield from self._command(row.id, item)
        self.events += max(row.seq_to - max(row.seq, self.from_seq) + 1, 0)
        self.last = max(row.seq_to, self.last)

    def apply(self, stored: StoredEventRow) -> None:
        """Apply an event row without checking it."""
        for item in _items(stored) or ():
            self.projection.apply(item)
            if item.get("event") == "command_updated":
                self.reported_command_ids.add(item["payload"]["command_id"])

    def _command(self, row_id: int, item: Mapping[str, Any]) -> Iterator[Finding]:
        """Check that a result is reported once; an unknown one may be reported again."""
        if item.get("event") != "command_updated":
            return
        payload = item["payload"]
        command_id = payload["command_id"]
        if command_id in self.reported_command_ids and command_id not in self._in_doubt:
            found = f"reported again by event row {row_id}"
            yield make_finding("command_event", "command", command_id, "reported once", found)
        self.reported_command_ids.add(command_id)
        if payload["status"] == CommandStatus.UNKNOWN.value:
            self._in_doubt.add(command_id)
        else:
            self._in_doubt.discard(command_id)


def must_be_reported(command: CommandRow, oldest_at: datetime | None) -> bool:
    """Whether the event of the command's end is retained, given the oldest event time."""
    is_read = is_read_only(command.command_type, command.payload)
    if is_read or not command.status.is_final or command.finished_at is None or oldest_at is None:
        return False
    return command.finished_at > oldest_at


def check_command(
    command: CommandRow, orders: Mapping[int, Order], archived: Collection[int] = frozenset()
) -> Iterator[Finding]:
    """Check that a final command has one result and a pending one has none.

    Its order is one of ``orders``, or of the ``archived`` ones.
    """
    status, name = command.status.value, command.id
    if not command.status.is_final:
        if command.finished_at is not None or command.result is not None:
            yield make_finding(
                "command_result", "command", name, f"{status} without a result", "one"
            )
        return
    if command.finished_at is None:
        yield make_finding("command_finished_at", "command", name, "a time", None)
    wrong = command.status in _FAILED_STATUSES
    if (command.error is not None) is not wrong:
        expected = "an error" if wrong else "no error"
        found = "no error" if wrong else "an error"
        yield make_finding(
            "command_error", "command", name, f"{expected}, as it is {status}", found
        )
    if command.order_id not in archived:
        yield from _order_findings(command, orders)


def _order_findings(command: CommandRow, orders: Mapping[int, Order]) -> Iterator[Finding]:
    if command.order_id is not None:
        order = orders.get(command.order_id)
        if order is None or order.account_id != command.account_id:
            expected = f"order {command.order_id} in account {command.account_id}"
            yield make_finding("command_order", "command", command.id, expected, None)
    elif (
        command.status is CommandStatus.DONE
        and command.command_type == "send_order"
        and not _is_deferred(command)
    ):
        yield make_finding("command_order", "command", command.id, "an order", None)


def _is_deferred(command: CommandRow) -> bool:
    """Return whether the order is that of another command, at the open of its market."""
    return '"deferred_command_id"' in (command.result or "")


def _items(stored: StoredEventRow) -> list[Mapping[str, Any]] | None:
    """Return the events of a row; ``None`` if its payload is not valid."""
    try:
        events = list(decode_event_row(stored.row))
    except NotJson:
        return None
    if not all(map(_is_complete, events)):
        return None
    return [{"event": each.event, "payload": each.payload} for each in events]


def _is_complete(event: DecodedEvent) -> bool:
    """Whether an event of a command has the command's id and status."""
    if event.event != "command_updated":
        return True
    return isinstance(event.payload.get("command_id"), int) and "status" in event.payload
