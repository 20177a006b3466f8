"""Values that the gateway never writes are findings of ``oms verify``, which goes on."""

from typing import Any

import pytest

#: Values that the gateway never writes: table, column, and the value as SQL.
VALUES: tuple[tuple[str, str, str], ...] = (
    ("oms_orders", "qty", "'much'"),
    ("oms_orders", "filled_qty", "'NaN'"),
    ("oms_orders", "state", "'LOST'"),
    ("oms_orders", "side", "'up'"),
    ("oms_orders", "fees_json", "'{'"),
    ("oms_orders", "fill_value", "''"),
    ("oms_orders", "updated_at", "'yesterday'"),
    ("oms_orders", "created_at", "'2026-13-45T00:00:00.000000Z'"),
    ("oms_orders", "version", "'one'"),
    ("oms_orders", "is_open", "7"),
    ("oms_orders", "symbol", "x'ff00'"),
    ("oms_deals", "price", "'1e'"),
    ("oms_deals", "entry", "'sideways'"),
    ("oms_deals", "executed_at", "'0001-01-01T00:00:00.000000Z'"),
    ("oms_deals", "type", "''"),
    ("oms_positions", "cost_exact", "'1/0'"),
    ("oms_positions", "state", "'lost'"),
    ("oms_positions", "fees", "'[1'"),
    ("oms_commands", "status", "'lost'"),
    ("oms_commands", "command_type", "'launch'"),
    ("oms_commands", "created_at", "''"),
    ("oms_commands", "payload_json", "'{'"),
    ("event_outbox", "created_at", "'soon'"),
    ("event_outbox", "seq_to", "'many'"),
    ("accounts", "environment", "'moon'"),
    ("accounts", "position_mode", "'all'"),
    ("accounts", "extra_config_json", "'{'"),
    ("accounts", "created_at", "'soon'"),
    ("users", "role", "'god'"),
    ("user_api_keys", "max_order_notional", "'much'"),
    ("user_api_keys", "expires_at", "'never'"),
    ("user_api_keys", "ip_allowlist", "'here'"),
    ("api_key_account_permissions", "can_read", "'yes'"),
    ("kill_switches", "mode", "'panic'"),
    ("kill_switches", "created_at", "'soon'"),
    ("audit_log", "created_at", "'soon'"),
    ("audit_log", "after_json", "'{'"),
    ("audit_log", "chain_no", "'x' || id"),
    ("paper_state", "state_json", "'{'"),
    ("paper_trades", "trade_json", "'{'"),
    ("paper_trades", "executed_at", "'soon'"),
    ("account_streams", "head_seq", "'many'"),
    ("account_leases", "expires_at", "'soon'"),
    ("command_chain", "chain_no", "chain_no + 0.5"),
)


@pytest.mark.parametrize(("table", "column", "value"), VALUES)
async def test_invalid_value_is_named(table: str, column: str, value: str, attacked: Any) -> None:
    key = attacked.connection.execute(f"SELECT MIN(rowid) FROM {table}").fetchone()[0]
    attacked.do(f"UPDATE {table} SET {column} = {value} WHERE rowid = {key}")
    found = await attacked.found()
    elsewhere = {("event_payload", "event")} if table == "event_outbox" else set()
    assert ({("row_value", table)} | elsewhere) & found
