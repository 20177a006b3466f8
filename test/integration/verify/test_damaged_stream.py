"""Damage to events, commands and the state of the paper exchange is found."""

import json
from collections.abc import Callable
from typing import Any

import pytest

#: How a ledger is damaged; answers what must be found.
Found = tuple[str, str, int | str]
Plant = Callable[[Any], set[Found]]


def _event_gone(d: Any) -> set[Found]:
    text = "SELECT id, seq, seq_to FROM event_outbox WHERE account_id = ? AND seq > 50 ORDER BY seq"
    row_id, seq, seq_to = d.one(text, d.accounts["netting"])
    text = "SELECT id FROM event_outbox WHERE account_id = ? AND seq = ?"
    (next_id,) = d.one(text, d.accounts["netting"], seq_to + 1)
    d.do("DELETE FROM event_outbox WHERE id = ?", row_id)
    assert seq <= seq_to
    return {("event_numbers", "event", next_id)}


def _last_events_gone(d: Any) -> set[Found]:
    account_id = d.accounts["netting"]
    d.do("DELETE FROM event_outbox WHERE account_id = ? AND seq > 50", account_id)
    return {("event_numbers", "account", account_id)}


def _all_events_gone(d: Any) -> set[Found]:
    account_id = d.accounts["hedge"]
    d.do("DELETE FROM event_outbox WHERE account_id = ?", account_id)
    return {("event_numbers", "account", account_id)}


def _head_set_back(d: Any) -> set[Found]:
    account_id = d.accounts["netting"]
    d.do("UPDATE account_streams SET head_seq = 10 WHERE account_id = ?", account_id)
    return {("event_head", "account", account_id)}


def _event_of_batch_gone(d: Any) -> set[Found]:
    row_id, payload = d.one("SELECT id, payload_json FROM event_outbox WHERE event_type = 'batch'")
    shorter = json.dumps(json.loads(payload)[1:])
    d.do("UPDATE event_outbox SET payload_json = ? WHERE id = ?", shorter, row_id)
    return {("event_count", "event", row_id)}


def _event_not_json(d: Any) -> set[Found]:
    (row_id,) = d.one("SELECT id FROM event_outbox WHERE event_type = 'batch'")
    d.do("UPDATE event_outbox SET payload_json = '[{' WHERE id = ?", row_id)
    return {("event_payload", "event", row_id)}


def _command_not_reported(d: Any) -> set[Found]:
    row_id, payload = d.one(
        "SELECT id, payload_json FROM event_outbox WHERE event_type = 'batch' ORDER BY id DESC"
    )
    items = json.loads(payload)
    (command_id,) = [
        item["payload"]["command_id"] for item in items if item["event"] == "command_updated"
    ]
    changed = [
        item | {"event": "thing" if "command" in item["payload"] else item["event"]}
        for item in items
    ]
    d.do("UPDATE event_outbox SET payload_json = ? WHERE id = ?", json.dumps(changed), row_id)
    return {("command_event", "command", command_id)}


def _command_reported_twice(d: Any) -> set[Found]:
    text = "SELECT id, payload_json FROM event_outbox WHERE event_type = 'command_updated' LIMIT 2"
    (_, first), (second_id, _) = d.connection.execute(text).fetchall()
    d.do("UPDATE event_outbox SET payload_json = ? WHERE id = ?", first, second_id)
    return {("command_event", "command", json.loads(first)["command_id"])}


def _done_order(d: Any) -> Any:
    text = "SELECT id, order_id FROM oms_commands WHERE command_type = 'send_order'"
    return d.one(f"{text} AND status = 'done'")


def _command_without_order(d: Any) -> set[Found]:
    command_id, _ = _done_order(d)
    d.do("UPDATE oms_commands SET order_id = NULL WHERE id = ?", command_id)
    return {("command_order", "command", command_id)}


def _command_with_two_orders(d: Any) -> set[Found]:
    command_id, order_id = _done_order(d)
    d.do(
        "UPDATE oms_orders SET command_id = ? WHERE id = (SELECT MAX(o.id) FROM oms_orders o"
        " JOIN oms_orders mine ON mine.id = ? AND mine.account_id = o.account_id)",
        command_id,
        order_id,
    )
    return {("command_order", "command", command_id)}


def _command_without_end(d: Any) -> set[Found]:
    command_id, _ = _done_order(d)
    d.do("UPDATE oms_commands SET finished_at = NULL WHERE id = ?", command_id)
    return {("command_finished_at", "command", command_id)}


def _command_with_error(d: Any) -> set[Found]:
    command_id, _ = _done_order(d)
    d.do("UPDATE oms_commands SET status = 'failed' WHERE id = ?", command_id)
    return {("command_error", "command", command_id)}


def _command_not_final(d: Any) -> set[Found]:
    command_id, _ = _done_order(d)
    d.do("UPDATE oms_commands SET status = 'queued' WHERE id = ?", command_id)
    return {("command_result", "command", command_id)}


def _running_without_lease(d: Any) -> set[Found]:
    command_id, _ = _done_order(d)
    d.do(
        "UPDATE oms_commands SET status = 'running', finished_at = NULL, result_json = NULL"
        " WHERE id = ?",
        command_id,
    )
    return {("command_lease", "command", command_id)}


def _paper_state(d: Any) -> set[Found]:
    account_id = d.accounts["netting"]
    d.do("UPDATE paper_state SET hash = 'no' WHERE account_id = ?", account_id)
    return {("paper_hash", "paper_state", account_id)}


def _paper_order_gone(d: Any) -> set[Found]:
    account_id, name = d.one("SELECT account_id, exchange_order_id FROM paper_orders")
    text = "SELECT id FROM oms_orders WHERE account_id = ? AND exchange_order_id = ?"
    (order_id,) = d.one(text, account_id, name)
    d.do(
        "DELETE FROM paper_orders WHERE account_id = ? AND exchange_order_id = ?", account_id, name
    )
    return {("paper_order", "order", order_id)}


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(plant, id=plant.__name__.strip("_"))
        for plant in (
            _event_gone,
            _last_events_gone,
            _all_events_gone,
            _head_set_back,
            _event_of_batch_gone,
            _event_not_json,
            _command_not_reported,
            _command_reported_twice,
            _command_without_order,
            _command_with_two_orders,
            _command_without_end,
            _command_with_error,
            _command_not_final,
            _running_without_lease,
            _paper_state,
            _paper_order_gone,
        )
    ],
)
async def test_damage_is_found(damaged: Any, plant: Plant) -> None:
    expected = plant(damaged)
    assert expected, "a plant says what is to be found"
    assert expected <= await damaged.found()
