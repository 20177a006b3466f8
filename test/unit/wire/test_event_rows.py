"""Event rows: encoding and decoding of outbox payloads."""

from typing import Any

import pytest

from oms.domain.value import evolve
from oms.ports.ledger_store import EventRow
from oms.wire.json import NotJson, dumps_fast
from oms.wire.responses.events import (
    WireEvent,
    decode_complete_row,
    decode_event_row,
    outbox_payload,
)


def an_event(name: str, **payload: object) -> WireEvent:
    return {"namespace": "position", "event": name, "strategy_id": 3, "payload": dict(payload)}


def a_row(namespace: str, event_type: str, payload: str, **changes: Any) -> EventRow:
    values: dict[str, Any] = {
        "id": 100,
        "account_id": 7,
        "seq": 10,
        "seq_to": 10,
        "strategy_id": 3,
        "namespace": namespace,
        "event_type": event_type,
        "payload": payload,
    }
    return EventRow(**(values | changes))


def test_a_single_event_survives_encoding() -> None:
    row = a_row(*outbox_payload([an_event("order_submitted", order_id=1)]))
    (event,) = decode_event_row(row)
    assert (event.event_id, event.account_id, event.seq) == (100, 7, 10)
    assert (event.namespace, event.event, event.strategy_id) == ("position", "order_submitted", 3)
    assert event.payload == {"order_id": 1}


def test_a_batch_survives_encoding_with_consecutive_numbers() -> None:
    row = a_row(*outbox_payload([an_event("a", n=1), an_event("b", n=2), an_event("c", n=3)]))
    row = evolve(row, seq_to=row.seq + 2)
    events = list(decode_event_row(row))
    assert [(each.event_id, each.seq, each.event) for each in events] == [
        (100, 10, "a"),
        (101, 11, "b"),
        (102, 12, "c"),
    ]
    assert [each.event for each in decode_complete_row(row, after=11)] == ["c"]


@pytest.mark.parametrize(
    "payload", ["", "{", "1", '"text"', "{}", '[{"event":"a"}]', '[{"payload":{}}]', "[1]"]
)
def test_invalid_batches_are_refused(payload: str) -> None:
    with pytest.raises(NotJson):
        list(decode_event_row(a_row("batch", "batch", payload)))


@pytest.mark.parametrize("payload", ["", "null", "[]", "1"])
def test_invalid_single_events_are_refused(payload: str) -> None:
    with pytest.raises(NotJson):
        list(decode_event_row(a_row("position", "order_submitted", payload)))


def test_a_command_event_is_no_batch() -> None:
    row = a_row("command", "command_updated", dumps_fast({"command_id": 5, "status": "done"}))
    (event,) = decode_event_row(row)
    assert event.payload["status"] == "done"
