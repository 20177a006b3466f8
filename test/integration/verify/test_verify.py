"""A healthy ledger has no finding, at rest or at work; each planted damage is found and named."""

import json
from collections.abc import Callable
from typing import Any

import pytest

CHECKS_AT_WORK = 20

#: How a ledger is damaged; answers what must be found.
Found = tuple[str, str, int | str]
Plant = Callable[[Any], set[Found]]


async def test_a_healthy_ledger_has_no_finding(damaged: Any) -> None:
    answer = await damaged.answer()
    assert answer["ok"] is True, answer
    rows = {row["account_id"]: row for row in answer["accounts"]}
    for mode, account_id in damaged.accounts.items():
        head = damaged.one("SELECT head_seq FROM account_streams WHERE account_id = ?", account_id)
        assert rows[account_id] == {
            "account_id": account_id,
            "events": head[0],
            "invariants": "ok",
            "hash_chain": None,
            "findings": [],
        }, mode


async def test_the_ledger_checked_here_has_all_that_can_break(damaged: Any) -> None:
    """Else the test above says little."""
    states = {row[0] for row in damaged.connection.execute("SELECT state FROM oms_orders")}
    assert {"FILLED", "SUBMITTED"} <= states
    for account_id in damaged.accounts.values():
        for state in ("open", "closed"):
            damaged.one(
                "SELECT id FROM oms_positions WHERE account_id = ? AND state = ?", account_id, state
            )
    damaged.one("SELECT id FROM oms_deals WHERE leg = 1")
    damaged.one("SELECT id FROM oms_deals WHERE fee_currency = 'SOL'")
    damaged.one("SELECT id FROM oms_deals WHERE strategy_id = 2")


async def test_a_working_office_has_no_finding(working: Any) -> None:
    events = 0
    for _ in range(CHECKS_AT_WORK):
        answer = await working()
        assert answer["ok"] is True, answer
        events = sum(row["events"] for row in answer["accounts"])
    assert events > 0


async def test_one_account_from_a_number_on(damaged: Any) -> None:
    account_id = damaged.accounts["hedge"]
    (head,) = damaged.one("SELECT head_seq FROM account_streams WHERE account_id = ?", account_id)
    answer = await damaged.answer(account_id=account_id, from_seq=head - 9)
    (row,) = answer["accounts"]
    assert (answer["ok"], row["account_id"], row["events"]) == (True, account_id, 10)


async def test_trimmed_events_are_no_finding_once_they_may_be_gone(damaged: Any) -> None:
    account_id = damaged.accounts["netting"]
    damaged.do("DELETE FROM event_outbox WHERE account_id = ? AND seq_to < 100", account_id)
    found = await damaged.found(account_id=account_id)
    assert {invariant for invariant, _, _ in found} == {"event_numbers"}, "the account is young"
    damaged.do("UPDATE accounts SET created_at = '2020-01-01T00:00:00.000000Z'")
    assert await damaged.found(account_id=account_id) == set()


def _filled_qty(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED'")
    d.do("UPDATE oms_orders SET filled_qty = '7', qty = '7' WHERE id = ?", order_id)
    return {("order_filled_qty", "order", order_id)}


def _fill_value(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED'")
    d.do("UPDATE oms_orders SET fill_value = '1' WHERE id = ?", order_id)
    return {("order_fill_value", "order", order_id)}


def _order_fees(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED'")
    d.do("UPDATE oms_orders SET fees_json = '{}' WHERE id = ?", order_id)
    return {("order_fees", "order", order_id)}


def _overfilled(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED'")
    d.do("UPDATE oms_orders SET qty = '0.001' WHERE id = ?", order_id)
    return {("order_overfilled", "order", order_id)}


def _order_state(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED'")
    d.do("UPDATE oms_orders SET state = 'CANCELED' WHERE id = ?", order_id)
    return {("order_state", "order", order_id)}


def _order_closed_at(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED'")
    d.do("UPDATE oms_orders SET closed_at = NULL WHERE id = ?", order_id)
    return {("order_closed_at", "order", order_id)}


def _position_quantity(d: Any) -> set[Found]:
    (position_id,) = d.one(
        "SELECT id FROM oms_positions WHERE state = 'open' AND symbol LIKE '%/USDT'"
    )
    d.do("UPDATE oms_positions SET qty = '1.5' WHERE id = ?", position_id)
    return {("position_quantity", "position", position_id)}


def _contracts(d: Any) -> set[Found]:
    text = "SELECT id, symbol FROM oms_positions WHERE state = 'open' AND symbol LIKE '%:USDT'"
    position_id, symbol = d.one(text)
    d.do("UPDATE oms_positions SET qty = '1.5' WHERE id = ?", position_id)
    return {("position_quantity", "position", position_id), ("paper_position", "symbol", symbol)}


def _position_cost(d: Any) -> set[Found]:
    (position_id,) = d.one("SELECT id FROM oms_positions WHERE state = 'open'")
    d.do("UPDATE oms_positions SET cost_exact = '1/3' WHERE id = ?", position_id)
    return {("position_cost", "position", position_id)}


def _position_state(d: Any) -> set[Found]:
    text = "SELECT id FROM oms_positions WHERE state = 'closed' AND account_id = ?"
    (position_id,) = d.one(text, d.accounts["hedge"])
    d.do("UPDATE oms_positions SET state = 'open' WHERE id = ?", position_id)
    return {("position_state", "position", position_id)}


def _position_symbol(d: Any) -> set[Found]:
    (position_id,) = d.one("SELECT id FROM oms_positions WHERE state = 'closed'")
    d.do("UPDATE oms_positions SET symbol = 'NO/SUCH' WHERE id = ?", position_id)
    (deal_id,) = d.one("SELECT id FROM oms_deals WHERE position_id = ?", position_id)
    return {
        ("position_symbol", "position", position_id),
        ("deal_position", "deal", deal_id),
    }


def _deal_profit(d: Any) -> set[Found]:
    (deal_id,) = d.one("SELECT id FROM oms_deals WHERE entry = 'out'")
    d.do("UPDATE oms_deals SET pnl = '99' WHERE id = ?", deal_id)
    return {("deal_profit", "deal", deal_id)}


def _deal_entry(d: Any) -> set[Found]:
    (deal_id,) = d.one("SELECT id FROM oms_deals WHERE entry = 'out'")
    d.do("UPDATE oms_deals SET entry = 'in' WHERE id = ?", deal_id)
    return {("deal_entry", "deal", deal_id)}


def _deal_gone(d: Any) -> set[Found]:
    deal_id, order_id, position_id = d.one(
        "SELECT d.id, d.order_id, d.position_id FROM oms_deals d JOIN oms_positions p"
        " ON p.id = d.position_id WHERE p.state = 'open' AND d.entry = 'in'"
    )
    d.do("DELETE FROM oms_deals WHERE id = ?", deal_id)
    return {
        ("order_filled_qty", "order", order_id),
        ("position_quantity", "position", position_id),
    }


def _deal_grown(d: Any) -> set[Found]:
    deal_id, order_id = d.one("SELECT id, order_id FROM oms_deals WHERE entry = 'out'")
    d.do("UPDATE oms_deals SET qty = '1000' WHERE id = ?", deal_id)
    return {("deal_quantity", "deal", deal_id), ("order_filled_qty", "order", order_id)}


def _deal_without_order(d: Any) -> set[Found]:
    deal_id, order_id = d.one("SELECT id, order_id FROM oms_deals WHERE leg = 0")
    d.do("DELETE FROM oms_orders WHERE id = ?", order_id)
    return {("deal_order", "deal", deal_id)}


def _deal_without_position(d: Any) -> set[Found]:
    deal_id, position_id = d.one("SELECT id, position_id FROM oms_deals")
    d.do("DELETE FROM oms_positions WHERE id = ?", position_id)
    return {("deal_position", "deal", deal_id)}


def _deal_twice(d: Any) -> set[Found]:
    """Only where the database does not hold its own key."""
    text = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'oms_deals'"
    (schema,) = d.one(text)
    names = [row[1] for row in d.connection.execute("PRAGMA table_info(oms_deals)")]
    columns = ", ".join(names)
    d.connection.execute(f"CREATE TABLE copied AS SELECT {columns} FROM oms_deals")
    d.connection.execute("DROP TABLE oms_deals")
    d.connection.execute("ALTER TABLE copied RENAME TO oms_deals")
    assert "uq_oms_deals_exchange_trade_id" in schema
    (deal_id,) = d.one("SELECT MAX(id) + 1 FROM oms_deals")
    values = ", ".join(str(deal_id) if name == "id" else name for name in names)
    d.do(f"INSERT INTO oms_deals SELECT {values} FROM oms_deals WHERE id = {deal_id - 1}")
    return {("deal_unique", "deal", deal_id)}


def _a_second_position(d: Any, mode: str, strategy_id: int) -> set[Found]:
    """A copy of an open position under another id: no deals, and one too many."""
    (first_id, symbol) = d.one(
        "SELECT id, symbol FROM oms_positions WHERE account_id = ? AND state = 'open'"
        " AND strategy_id = ?",
        d.accounts[mode],
        strategy_id,
    )
    names = [row[1] for row in d.connection.execute("PRAGMA table_info(oms_positions)")]
    (position_id,) = d.one("SELECT MAX(id) + 1 FROM oms_positions")
    values = ", ".join(str(position_id) if name == "id" else name for name in names)
    d.do(f"INSERT INTO oms_positions SELECT {values} FROM oms_positions WHERE id = ?", first_id)
    assert symbol
    return {("one_open", "position", position_id)}


def _two_open_in_netting(d: Any) -> set[Found]:
    (strategy_id,) = d.one(
        "SELECT strategy_id FROM oms_positions WHERE account_id = ? AND state = 'open'",
        d.accounts["netting"],
    )
    return _a_second_position(d, "netting", strategy_id)


def _two_open_of_a_strategy(d: Any) -> set[Found]:
    return _a_second_position(d, "strategy_netting", 1)


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


def _command_not_told(d: Any) -> set[Found]:
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


def _command_told_twice(d: Any) -> set[Found]:
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
            _filled_qty,
            _fill_value,
            _order_fees,
            _overfilled,
            _order_state,
            _order_closed_at,
            _position_quantity,
            _contracts,
            _position_cost,
            _position_state,
            _position_symbol,
            _deal_profit,
            _deal_entry,
            _deal_gone,
            _deal_grown,
            _deal_without_order,
            _deal_without_position,
            _deal_twice,
            _two_open_in_netting,
            _two_open_of_a_strategy,
            _event_gone,
            _last_events_gone,
            _all_events_gone,
            _head_set_back,
            _event_of_batch_gone,
            _event_not_json,
            _command_not_told,
            _command_told_twice,
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
async def test_damage_is_found_and_named(damaged: Any, plant: Plant) -> None:
    expected = plant(damaged)
    assert expected, "a plant says what is to be found"
    assert expected <= await damaged.found()


@pytest.mark.parametrize(
    "column",
    [
        "exit_exact",
        "avg_price",
        "close_price",
        "qty_opened",
        "qty_closed",
        "max_qty",
        "profit",
        "realized_pnl",
        "fees",
    ],
)
async def test_a_changed_position_is_found_and_named(damaged: Any, column: str) -> None:
    (position_id,) = damaged.one("SELECT id FROM oms_positions WHERE state = 'closed'")
    value = {"fees": '{"USDT":"1"}', "exit_exact": "25/2"}.get(column, "12.5")
    damaged.do(f"UPDATE oms_positions SET {column} = ? WHERE id = ?", value, position_id)
    name = "exit_value" if column == "exit_exact" else column
    assert await damaged.found() == {(f"position_{name}", "position", position_id)}


async def test_a_finding_tells_both_values(damaged: Any) -> None:
    order_id, value = damaged.one("SELECT id, fill_value FROM oms_orders WHERE state = 'FILLED'")
    damaged.do("UPDATE oms_orders SET fill_value = '1' WHERE id = ?", order_id)
    answer = await damaged.answer()
    (row,) = [row for row in answer["accounts"] if row["findings"]]
    assert row["invariants"] == "broken"
    assert row["findings"] == [
        {
            "invariant": "order_fill_value",
            "entity": "order",
            "id": order_id,
            "expected": value,
            "found": "1",
        }
    ]
