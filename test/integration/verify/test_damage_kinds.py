"""Kinds of damage that the sums of one order do not reveal; on MariaDB too.

Statements are plain enough for both dialects; ``?`` is a bound value.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

#: How a ledger is damaged; answers what must be found.
Found = tuple[str, str, int | str]
Plant = Callable[[Any], set[Found]]

FAR = 900_000_000
"""An id that nothing has."""


def copied(d: Any, table: str, row_id: int, **changes: object) -> int:
    """A copy of a row under an id of its own, changed."""
    cursor = d.connection.cursor()
    cursor.execute(d.words(f"SELECT * FROM {table} WHERE id = ?"), (row_id,))
    names = [each[0] for each in cursor.description]
    (count,) = d.one(f"SELECT COUNT(*) FROM {table}")
    row = dict(zip(names, cursor.fetchone(), strict=True)) | {"id": FAR + count} | changes
    marks = ", ".join("?" for _ in row)
    d.do(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())
    return int(row["id"])


def changed_paper(d: Any, change: Callable[[Any], None]) -> None:
    """The paper exchange's state edited, with the hash that fits."""
    account_id, state = d.one("SELECT account_id, state_json FROM paper_state ORDER BY account_id")
    state = json.loads(state)
    change(state)
    text = json.dumps(state, separators=(",", ":"))
    name = hashlib.sha256(text.encode()).hexdigest()
    d.do(
        "UPDATE paper_state SET state_json = ?, hash = ? WHERE account_id = ?",
        *(text, name, account_id),
    )


def _deal_qty(d: Any) -> set[Found]:
    deal_id, order_id, trade = d.one(
        "SELECT id, order_id, exchange_trade_id FROM oms_deals WHERE entry = 'in' ORDER BY id"
    )
    d.do("UPDATE oms_deals SET qty = qty * 2 WHERE id = ?", deal_id)
    return {("order_filled_qty", "order", order_id), ("paper_trade", "paper_trade", trade)}


def _deal_price(d: Any) -> set[Found]:
    deal_id, order_id = d.one("SELECT id, order_id FROM oms_deals WHERE entry = 'in' ORDER BY id")
    d.do("UPDATE oms_deals SET price = '1' WHERE id = ?", deal_id)
    return {("order_fill_value", "order", order_id), ("deal_event", "deal", deal_id)}


def _deal_fee(d: Any) -> set[Found]:
    deal_id, order_id, position_id = d.one(
        "SELECT id, order_id, position_id FROM oms_deals WHERE fee_currency = 'USDT' ORDER BY id"
    )
    d.do("UPDATE oms_deals SET fee = '7' WHERE id = ?", deal_id)
    return {("order_fees", "order", order_id), ("position_fees", "position", position_id)}


def _deal_doubled_as_a_leg(d: Any) -> set[Found]:
    deal_id, order_id = d.one("SELECT id, order_id FROM oms_deals WHERE entry = 'in' ORDER BY id")
    copied(d, "oms_deals", deal_id, leg=7)
    return {("order_filled_qty", "order", order_id)}


def _deal_without_quantity(d: Any) -> set[Found]:
    (deal_id,) = d.one("SELECT id FROM oms_deals WHERE entry = 'in' ORDER BY id")
    d.do("UPDATE oms_deals SET qty = '0' WHERE id = ?", deal_id)
    return {("deal_type", "deal", deal_id), ("deal_quantity", "deal", deal_id)}


def _deal_of_another_type(d: Any) -> set[Found]:
    deal_id, order_id = d.one("SELECT id, order_id FROM oms_deals WHERE entry = 'in' ORDER BY id")
    d.do("UPDATE oms_deals SET type = 'funding' WHERE id = ?", deal_id)
    return {("deal_type", "deal", deal_id), ("order_filled_qty", "order", order_id)}


def _bust_of_nothing(d: Any) -> set[Found]:
    (deal_id,) = d.one("SELECT id FROM oms_deals WHERE entry = 'in' ORDER BY id")
    new_id = copied(d, "oms_deals", deal_id, type="correction", exchange_trade_id="bust:t999999")
    return {("deal_correction", "deal", new_id)}


def _deal_of_another_strategy(d: Any) -> set[Found]:
    (deal_id,) = d.one(
        "SELECT id FROM oms_deals WHERE account_id = ? AND entry = 'out' AND strategy_id = 1"
        " ORDER BY id",
        d.accounts["strategy_netting"],
    )
    d.do("UPDATE oms_deals SET strategy_id = 2 WHERE id = ?", deal_id)
    return {("deal_strategy", "deal", deal_id)}


def _deal_never_made(d: Any) -> set[Found]:
    deal_id, account_id, trade = d.one(
        "SELECT id, account_id, exchange_trade_id FROM oms_deals WHERE leg = 0"
        " AND entry <> 'out_by' ORDER BY id"
    )
    d.do("DELETE FROM paper_trades WHERE account_id = ? AND trade_id = ?", account_id, trade)
    return {("paper_deal", "deal", deal_id)}


def _trade_never_booked(d: Any) -> set[Found]:
    account_id, state = d.one("SELECT account_id, state_json FROM paper_state ORDER BY account_id")
    (trade,) = d.one(
        "SELECT trade_json FROM paper_trades WHERE account_id = ? ORDER BY trade_id", account_id
    )
    assert state
    d.do(
        "INSERT INTO paper_trades (account_id, trade_id, symbol, executed_at, trade_json)"
        " SELECT account_id, 'T999999', symbol, executed_at, ? FROM paper_trades"
        " WHERE account_id = ? ORDER BY trade_id LIMIT 1",
        *(json.dumps(json.loads(trade) | {"trade_id": "T999999"}), account_id),
    )
    return {("paper_trade", "paper_trade", "T999999")}


def _paper_money_made(d: Any) -> set[Found]:
    def change(state: Any) -> None:
        state["balances"]["USDT"][0] = "1"

    changed_paper(d, change)
    return {("paper_balance", "paper_balance", "USDT")}


def _paper_money_locked(d: Any) -> set[Found]:
    def change(state: Any) -> None:
        state["balances"]["USDT"][1] = "1.25"

    changed_paper(d, change)
    return {("paper_used", "paper_balance", "USDT")}


def _paper_money_owed(d: Any) -> set[Found]:
    def change(state: Any) -> None:
        state["balances"]["SOL"] = ["-1", "0"]

    changed_paper(d, change)
    return {("paper_total", "paper_balance", "SOL")}


def _order_marked_open(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET is_open = 1 WHERE id = ?", order_id)
    return {("order_is_open", "order", order_id)}


def _order_status(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET status = 'REJECTED' WHERE id = ?", order_id)
    return {("order_status", "order", order_id)}


def _order_average(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET avg_fill_price = '5' WHERE id = ?", order_id)
    return {("order_avg_price", "order", order_id)}


def _order_inferred(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET provisional_qty = '1' WHERE id = ?", order_id)
    return {("order_provisional_qty", "order", order_id)}


def _order_filled_below_zero(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET filled_qty = '-1' WHERE id = ?", order_id)
    return {("order_filled_qty", "order", order_id), ("order_state", "order", order_id)}


def _order_of_a_foreign_account(d: Any) -> set[Found]:
    order_id, command_id = d.one(
        "SELECT id, command_id FROM oms_orders WHERE account_id = ? AND state = 'FILLED'"
        " ORDER BY id",
        d.accounts["hedge"],
    )
    (deal_id,) = d.one("SELECT id FROM oms_deals WHERE order_id = ? ORDER BY id", order_id)
    d.do(
        "UPDATE oms_orders SET account_id = ?, exchange_order_id = NULL WHERE id = ?",
        *(d.accounts["netting"], order_id),
    )
    return {
        ("order_command", "order", order_id),
        ("command_order", "command", command_id),
        ("deal_order", "deal", deal_id),
    }


def _order_of_no_command(d: Any) -> set[Found]:
    order_id, command_id = d.one(
        "SELECT id, command_id FROM oms_orders WHERE state = 'FILLED' ORDER BY id"
    )
    d.do("DELETE FROM oms_commands WHERE id = ?", command_id)
    return {("order_command", "order", order_id)}


def _order_in_no_position(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET position_id = ? WHERE id = ?", FAR, order_id)
    return {("order_position", "order", order_id)}


def _order_of_no_strategy(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET strategy_id = ? WHERE id = ?", FAR, order_id)
    return {("order_strategy", "order", order_id)}


def _order_of_another_signal(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET signal_id = ? WHERE id = ?", FAR, order_id)
    return {("order_signal", "order", order_id), ("order_event", "order", order_id)}


def _order_set_back(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET version = 1 WHERE id = ?", order_id)
    return {("order_version", "order", order_id)}


def _order_changed_past_its_events(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'SUBMITTED' ORDER BY id")
    d.do("UPDATE oms_orders SET price = '1' WHERE id = ?", order_id)
    return {("order_event", "order", order_id)}


def _position_changed_without_event(d: Any) -> set[Found]:
    (position_id,) = d.one("SELECT id FROM oms_positions WHERE state = 'open' ORDER BY id")
    (now,) = d.one("SELECT MAX(updated_at) FROM oms_positions")
    d.do(
        "UPDATE oms_positions SET version = version + 1, updated_at = ? WHERE id = ?",
        *(now, position_id),
    )
    return {("position_event", "position", position_id)}


def _position_gone(d: Any) -> set[Found]:
    (position_id,) = d.one("SELECT id FROM oms_positions WHERE state = 'open' ORDER BY id")
    d.do("DELETE FROM oms_positions WHERE id = ?", position_id)
    return {("position_event", "position", position_id)}


def _position_without_deals(d: Any) -> set[Found]:
    (first_id,) = d.one(
        "SELECT id FROM oms_positions WHERE account_id = ? AND state = 'open' ORDER BY id",
        d.accounts["hedge"],
    )
    position_id = copied(d, "oms_positions", first_id)
    return {("position_without_deals", "position", position_id)}


def _closed_with_quantity(d: Any) -> set[Found]:
    (position_id,) = d.one("SELECT id FROM oms_positions WHERE state = 'closed' ORDER BY id")
    d.do("UPDATE oms_positions SET qty = '2' WHERE id = ?", position_id)
    return {("position_quantity", "position", position_id)}


def _open_set_closed(d: Any) -> set[Found]:
    (position_id,) = d.one("SELECT id FROM oms_positions WHERE state = 'open' ORDER BY id")
    d.do("UPDATE oms_positions SET state = 'closed' WHERE id = ?", position_id)
    return {("position_state", "position", position_id)}


def _funding_from_nowhere(d: Any) -> set[Found]:
    (position_id,) = d.one("SELECT id FROM oms_positions WHERE state = 'open' ORDER BY id")
    d.do("UPDATE oms_positions SET funding = '3' WHERE id = ?", position_id)
    return {("position_funding", "position", position_id)}


def _position_of_another_strategy(d: Any) -> set[Found]:
    (position_id,) = d.one(
        "SELECT id FROM oms_positions WHERE state = 'closed' AND strategy_id = 1 ORDER BY id"
    )
    d.do("UPDATE oms_positions SET strategy_id = 2 WHERE id = ?", position_id)
    return {("position_strategy", "position", position_id)}


def _position_opened_at(d: Any) -> set[Found]:
    position_id, at = d.one(
        "SELECT id, closed_at FROM oms_positions WHERE state = 'closed' ORDER BY id"
    )
    d.do("UPDATE oms_positions SET opened_at = ? WHERE id = ?", at, position_id)
    return {("position_opened_at", "position", position_id)}


def _position_closed_at(d: Any) -> set[Found]:
    position_id, at = d.one(
        "SELECT id, opened_at FROM oms_positions WHERE state = 'closed' ORDER BY id"
    )
    d.do("UPDATE oms_positions SET closed_at = ? WHERE id = ?", at, position_id)
    return {("position_closed_at", "position", position_id)}


def _position_side(d: Any) -> set[Found]:
    (position_id,) = d.one(
        "SELECT id FROM oms_positions WHERE state = 'closed' AND side = 'buy' ORDER BY id"
    )
    d.do("UPDATE oms_positions SET side = 'sell' WHERE id = ?", position_id)
    return {("position_side", "position", position_id)}


def _chain_broken(d: Any) -> set[Found]:
    (position_id,) = d.one("SELECT id FROM oms_positions WHERE state = 'closed' ORDER BY id")
    d.do("UPDATE oms_positions SET identifier = ? WHERE id = ?", FAR, position_id)
    return {("position_chain", "position", position_id)}


def _merge_undone(d: Any) -> set[Found]:
    (position_id,) = d.one("SELECT id FROM oms_positions WHERE state = 'merged' ORDER BY id")
    d.do("UPDATE oms_positions SET merged_into = ? WHERE id = ?", FAR, position_id)
    return {("position_merge", "position", position_id)}


def _half_a_close_by(d: Any) -> set[Found]:
    (kept_id,) = d.one("SELECT id FROM oms_deals WHERE entry = 'out_by' AND leg = 0 ORDER BY id")
    (gone_id,) = d.one("SELECT id FROM oms_deals WHERE entry = 'out_by' AND leg = 1 ORDER BY id")
    d.do("DELETE FROM oms_deals WHERE id = ?", gone_id)
    return {("deal_close_by", "deal", kept_id)}


def _close_by_at_another_price(d: Any) -> set[Found]:
    (deal_id,) = d.one("SELECT id FROM oms_deals WHERE entry = 'out_by' AND leg = 0 ORDER BY id")
    d.do("UPDATE oms_deals SET price = '1' WHERE id = ?", deal_id)
    return {("deal_price", "deal", deal_id)}


def _events_overlap(d: Any) -> set[Found]:
    row_id, seq = d.one(
        "SELECT id, seq FROM event_outbox WHERE account_id = ? AND seq > 50 ORDER BY seq",
        d.accounts["netting"],
    )
    d.do("UPDATE event_outbox SET seq = ? WHERE id = ?", seq - 1, row_id)
    return {("event_numbers", "event", row_id)}


def _fence_broken(d: Any) -> set[Found]:
    account_id = d.accounts["hedge"]
    d.do("UPDATE account_leases SET token = 0 WHERE account_id = ?", account_id)
    return {("lease_fence", "account", account_id)}


def _key_of_no_command(d: Any) -> set[Found]:
    d.do(
        "INSERT INTO idempotency_keys (scope_hash, fingerprint, status, command_ids, expires_at,"
        " created_at) VALUES ('k', '', 'commands', ?, ?, ?)",
        *(f"[{FAR}]", d.time(2999), d.time(2026)),
    )
    return {("key_command", "idempotency_key", "k")}


def _rows_of_no_account(d: Any) -> set[Found]:
    (order_id,) = d.one("SELECT id FROM oms_orders WHERE state = 'FILLED' ORDER BY id")
    d.do("UPDATE oms_orders SET account_id = ? WHERE id = ?", FAR, order_id)
    return {("row_account", "oms_orders", FAR)}


PLANTS: tuple[Plant, ...] = (
    *(_deal_qty, _deal_price, _deal_fee, _deal_doubled_as_a_leg, _deal_without_quantity),
    *(_deal_of_another_type, _bust_of_nothing, _deal_of_another_strategy, _deal_never_made),
    *(_trade_never_booked, _paper_money_made, _paper_money_locked, _paper_money_owed),
    *(_order_marked_open, _order_status, _order_average, _order_inferred),
    *(_order_filled_below_zero, _order_of_a_foreign_account, _order_of_no_command),
    *(_order_in_no_position, _order_of_no_strategy, _order_of_another_signal, _order_set_back),
    *(_order_changed_past_its_events, _position_changed_without_event, _position_gone),
    *(_position_without_deals, _closed_with_quantity, _open_set_closed, _funding_from_nowhere),
    *(_position_of_another_strategy, _position_opened_at, _position_closed_at, _position_side),
    *(_chain_broken, _merge_undone, _half_a_close_by, _close_by_at_another_price),
    *(_events_overlap, _fence_broken, _key_of_no_command, _rows_of_no_account),
)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__.strip("_"))
async def test_each_kind_of_damage_is_found(damaged: Any, plant: Plant) -> None:
    expected = plant(damaged)
    assert expected, "a plant says what is to be found"
    assert expected <= await damaged.found()


async def test_healthy_ledger_has_no_finding_on_mariadb(damaged_server: Any) -> None:
    assert await damaged_server.found() == set()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__.strip("_"))
async def test_each_kind_of_damage_is_found_on_mariadb(damaged_server: Any, plant: Plant) -> None:
    expected = plant(damaged_server)
    assert expected, "a plant says what is to be found"
    assert expected <= await damaged_server.found()
