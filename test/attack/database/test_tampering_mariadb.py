"""Kinds of tampering on MariaDB; statements that its tables accept."""

from typing import Any

import pytest

AT = "2026-01-01 00:00:00"
KINDS = {
    "audit actor": (
        "UPDATE audit_log SET actor = 'x' WHERE chain_no = 2",
        ("chain_hash", "audit_log"),
    ),
    "audit row deleted": (
        "DELETE FROM audit_log WHERE chain_no = 3",
        ("chain_number", "audit_log"),
    ),
    "head reset": (
        f"UPDATE audit_chain SET length = 0, hash = '{'0' * 64}'",
        ("chain_length", "audit_chain"),
    ),
    "heads deleted": ("DELETE FROM audit_chain", ("chain_head", "audit_chain")),
    "command payload": (
        "UPDATE oms_commands SET payload_json = '{}' WHERE command_type = 'send_order'",
        ("command_digest", "command"),
    ),
    "command time": (
        f"UPDATE oms_commands SET created_at = '{AT}' WHERE command_type = 'send_order'",
        ("command_digest", "command"),
    ),
    "command deleted": (
        "DELETE FROM oms_commands WHERE command_type = 'send_order'",
        ("command_deleted", "command"),
    ),
    "deal price": ("UPDATE oms_deals SET price = 1", ("deal_event", "deal")),
    "role of a user": (
        "UPDATE users SET role = 'admin' WHERE role = 'risk'",
        ("registry_row", "user"),
    ),
    "limit of a key": (
        "UPDATE user_api_keys SET max_order_notional = 999999 WHERE label = 'limited'",
        ("registry_row", "api_key"),
    ),
    "permission widened": (
        "UPDATE api_key_account_permissions SET can_risk_manage = 1 WHERE api_key_id IN"
        " (SELECT k.id FROM user_api_keys k JOIN users u ON u.id = k.user_id"
        " WHERE u.name = 'trader')",
        ("registry_row", "api_key"),
    ),
    "permission inserted": (
        "INSERT INTO api_key_account_permissions"
        " (api_key_id, account_id, can_trade, created_at, updated_at)"
        f" SELECT k.id, a.id, 1, '{AT}', '{AT}' FROM user_api_keys k, accounts a"
        " WHERE k.user_id IN (SELECT id FROM users WHERE role = 'admin')",
        ("registry_unaudited", "api_key"),
    ),
    "kill switch released": (
        "UPDATE kill_switches SET is_on = 0",
        ("registry_row", "kill_switch"),
    ),
    "state that is none": (
        "UPDATE oms_orders SET state = 'LOST'",
        ("row_value", "oms_orders"),
    ),
    "JSON that is none": (
        "UPDATE oms_orders SET fees_json = '{'",
        ("row_value", "oms_orders"),
    ),
    "time out of range": (
        "UPDATE oms_deals SET executed_at = '0001-01-01 00:00:00'",
        ("row_value", "oms_deals"),
    ),
    "fraction that is none": (
        "UPDATE oms_positions SET cost_exact = '1/0'",
        ("row_value", "oms_positions"),
    ),
}


async def test_healthy_book_has_no_finding(attacked_server: Any) -> None:
    assert await attacked_server.found(with_checkpoint=True) == set()


@pytest.mark.parametrize("kind", KINDS)
async def test_tampering_is_named(kind: str, attacked_server: Any) -> None:
    statement, expected = KINDS[kind]
    attacked_server.do(statement)
    assert expected in await attacked_server.found()
