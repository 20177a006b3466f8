"""Damage to orders, deals and positions is found."""

from collections.abc import Callable
from typing import Any

import pytest

#: How a ledger is damaged; answers what must be found.
Found = tuple[str, str, int | str]
Plant = Callable[[Any], set[Found]]


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
    text = "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'oms_deals'"
    indexes = [row[0] for row in d.connection.execute(text) if row[0] is not None]
    d.connection.execute("DROP TABLE oms_deals")
    d.connection.execute("ALTER TABLE copied RENAME TO oms_deals")
    for index in indexes:
        d.connection.execute(index)
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
        )
    ],
)
async def test_damage_is_found(damaged: Any, plant: Plant) -> None:
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
async def test_changed_position_is_found(damaged: Any, column: str) -> None:
    (position_id,) = damaged.one("SELECT id FROM oms_positions WHERE state = 'closed'")
    value = {"fees": '{"USDT":"1"}', "exit_exact": "25/2"}.get(column, "12.5")
    damaged.do(f"UPDATE oms_positions SET {column} = ? WHERE id = ?", value, position_id)
    name = "exit_value" if column == "exit_exact" else column
    found = await damaged.found()
    assert (f"position_{name}", "position", position_id) in found
    # The last event about it differs as well.
    assert {invariant for invariant, _, _ in found} <= {f"position_{name}", "position_event"}


async def test_finding_contains_both_values(damaged: Any) -> None:
    order_id, value = damaged.one("SELECT id, fill_value FROM oms_orders WHERE state = 'FILLED'")
    damaged.do("UPDATE oms_orders SET fill_value = '1' WHERE id = ?", order_id)
    answer = await damaged.answer()
    (row,) = [row for row in answer["accounts"] if row["findings"]]
    assert row["invariants"] == "broken"
    assert row["findings"][0] == {
        "column": None,
        "invariant": "order_fill_value",
        "entity": "order",
        "id": order_id,
        "expected": value,
        "found": "1",
    }
