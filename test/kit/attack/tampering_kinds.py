"""Statements that tamper with a database, and what ``oms verify`` must name for each.

They need nothing but the database, SQLite or MariaDB; times are written as SQLite stores them.
"""

GENESIS = "0" * 64
#: An id that no row has, and a time that none has.
FAR = 900_000_000
LATE = "2026-01-01T00:00:00.000000Z"

Expected = tuple[str, str]
#: Name, statement, and the invariant and entity that verify must name.
KINDS: dict[str, tuple[str, Expected]] = {
    # The audit log and its head.
    "audit actor": (
        "UPDATE audit_log SET actor = 'x' WHERE chain_no = 2",
        ("chain_hash", "audit_log"),
    ),
    "audit time": (
        f"UPDATE audit_log SET created_at = '{LATE}' WHERE chain_no = 2",
        ("chain_hash", "audit_log"),
    ),
    "audit comment": (
        "UPDATE audit_log SET comment = 'x' WHERE chain_no = 2",
        ("chain_hash", "audit_log"),
    ),
    "audit row deleted": (
        "DELETE FROM audit_log WHERE chain_no = 3",
        ("chain_number", "audit_log"),
    ),
    "last audit row deleted": (
        "DELETE FROM audit_log WHERE chain_no = (SELECT MAX(chain_no) FROM audit_log)",
        ("chain_length", "audit_chain"),
    ),
    "audit rows exchanged": (
        "UPDATE audit_log SET chain_no = CASE chain_no WHEN 2 THEN -3 ELSE chain_no END",
        ("chain_number", "audit_log"),
    ),
    "audit row unchained": (
        "UPDATE audit_log SET chain_no = NULL, hash = NULL WHERE chain_no = 2",
        ("chain_number", "audit_log"),
    ),
    "all audit rows deleted": ("DELETE FROM audit_log", ("chain_length", "audit_chain")),
    "head of the audit chain reset": (
        f"UPDATE audit_chain SET length = 0, hash = '{GENESIS}' WHERE id = 1",
        ("chain_length", "audit_chain"),
    ),
    "hash of the head": (
        "UPDATE audit_chain SET hash = 'x' WHERE id = 1",
        ("chain_head", "audit_chain"),
    ),
    "head deleted": ("DELETE FROM audit_chain WHERE id = 1", ("chain_head", "audit_chain")),
    "head of the commands deleted": (
        "DELETE FROM audit_chain WHERE id = 2",
        ("chain_head", "audit_chain"),
    ),
    "head of the commands reset": (
        f"UPDATE audit_chain SET length = 0, hash = '{GENESIS}' WHERE id = 2",
        ("chain_length", "audit_chain"),
    ),
    "length that is no number": (
        "UPDATE audit_chain SET length = 'many' WHERE id = 1",
        ("row_value", "audit_chain"),
    ),
    # Commands.
    **{
        f"command {column}": (
            f"UPDATE oms_commands SET {column} = {value} WHERE id ="
            " (SELECT MIN(id) FROM oms_commands WHERE command_type = 'send_order')",
            ("command_digest", "command"),
        )
        for column, value in {
            "payload_json": '\'{"symbol":"X"}\'',
            "actor_user_id": "777",
            "actor_api_key_id": "777",
            "actor_ip": "'10.9.9.9'",
            "comment": "'as agreed'",
            "request_id": "'other'",
            "fingerprint": "'x'",
            "account_id": "account_id + 0.5",
            "created_at": f"'{LATE}'",
            "result_json": "'{}'",
            "status": "'queued'",
            "order_id": "777",
            "finished_at": f"'{LATE}'",
        }.items()
    },
    "command deleted": (
        "DELETE FROM oms_commands WHERE id = (SELECT MIN(id) FROM oms_commands)",
        ("command_deleted", "command"),
    ),
    "link deleted": (
        "DELETE FROM command_chain WHERE chain_no = 2",
        ("chain_number", "command_chain"),
    ),
    "link of another command": (
        "UPDATE command_chain SET command_id = 777 WHERE chain_no = 2",
        ("chain_hash", "command_chain"),
    ),
    "last link deleted": (
        "DELETE FROM command_chain WHERE chain_no = (SELECT MAX(chain_no) FROM command_chain)",
        ("chain_length", "audit_chain"),
    ),
    # Orders, deals, positions, events.
    "order quantity": (
        "UPDATE oms_orders SET qty = '9' WHERE state = 'FILLED'",
        ("order_event", "order"),
    ),
    "order filled more": (
        "UPDATE oms_orders SET filled_qty = '0.5' WHERE state = 'FILLED'",
        ("order_filled_qty", "order"),
    ),
    "order deleted": (
        "DELETE FROM oms_orders WHERE state = 'FILLED'",
        ("command_order", "command"),
    ),
    **{
        f"order of another {kind}": (
            f"UPDATE oms_orders SET {kind}_id = 77 WHERE state = 'FILLED'",
            (finding, "order"),
        )
        for kind, finding in (
            ("signal", "order_signal"),
            ("source", "order_signal"),
            ("bot", "order_signal"),
            ("group", "order_event"),
        )
    },
    "order without its signal": (
        "UPDATE oms_orders SET signal_id = NULL WHERE signal_id IS NOT NULL",
        ("order_signal", "order"),
    ),
    "deal price": ("UPDATE oms_deals SET price = '1'", ("deal_event", "deal")),
    "deal fee": ("UPDATE oms_deals SET fee = '0'", ("order_fees", "order")),
    "deal of another signal": (
        "UPDATE oms_deals SET signal_id = 77",
        ("deal_signal", "deal"),
    ),
    "deal of another source": (
        "UPDATE oms_deals SET source_id = 77",
        ("deal_signal", "deal"),
    ),
    "deal of another bot": (
        "UPDATE oms_deals SET bot_id = 77",
        ("deal_signal", "deal"),
    ),
    "deal of another group": (
        "UPDATE oms_deals SET group_id = 77",
        ("deal_signal", "deal"),
    ),
    "deal deleted": (
        "DELETE FROM oms_deals WHERE id = (SELECT MIN(id) FROM oms_deals)",
        ("deal_event", "deal"),
    ),
    "deal of another time": (
        f"UPDATE oms_deals SET executed_at = '{LATE}'",
        ("deal_event", "deal"),
    ),
    "position profit": (
        "UPDATE oms_positions SET realized_pnl = '100'",
        ("position_realized_pnl", "position"),
    ),
    "position deleted": ("DELETE FROM oms_positions", ("position_event", "position")),
    "event deleted": (
        "DELETE FROM event_outbox WHERE account_id > 0"
        " AND seq = (SELECT MIN(seq) + 2 FROM event_outbox WHERE account_id > 0)",
        ("event_numbers", "event"),
    ),
    "event payload": (
        "UPDATE event_outbox SET payload_json = '{' WHERE account_id > 0",
        ("event_payload", "event"),
    ),
    "head of the events": (
        "UPDATE account_streams SET head_seq = head_seq + 5 WHERE account_id > 0",
        ("event_numbers", "account"),
    ),
    "lease token": (
        "UPDATE account_streams SET lease_token = 99 WHERE account_id > 0",
        ("lease_fence", "account"),
    ),
    # Signals.
    **{
        f"signal {column} {value}": (
            f"UPDATE signals SET {column} = {value} WHERE status = 'done'",
            (finding, "signal"),
        )
        for column, value, finding in (
            ("symbol", "'ETH/USDT:USDT'", "signal_terms"),
            ("action", "'sell'", "signal_terms"),
            ("source_id", "77", "signal_terms"),
            ("strategy_id", "77", "signal_terms"),
            ("price", "'1'", "signal_terms"),
            ("status", "'failed'", "signal_outcome"),
            ("reason_code", "'x'", "signal_outcome"),
            ("finished_at", "NULL", "signal_finished_at"),
            ("command_ids", "NULL", "signal_command"),
            ("command_ids", "'[777]'", "signal_command"),
            ("order_ids", "'[]'", "signal_result"),
            ("order_ids", "'[777]'", "signal_order"),
            ("position_id", "777", "signal_result"),
            ("group_signal_id", "777", "signal_group"),
        )
    },
    "signal that was executed is queued": (
        "UPDATE signals SET status = 'queued', finished_at = NULL WHERE status = 'done'",
        ("signal_outcome", "signal"),
    ),
    "signal that was refused is done": (
        "UPDATE signals SET status = 'done', reason_code = NULL WHERE status = 'blocked'",
        ("signal_outcome", "signal"),
    ),
    "reason of a refused signal": (
        "UPDATE signals SET reason_code = 'as agreed' WHERE status = 'blocked'",
        ("signal_outcome", "signal"),
    ),
    "signal deleted": (
        "DELETE FROM signals WHERE status = 'done'",
        ("command_signal", "command"),
    ),
    "leg of a signal left out": (
        "UPDATE signals SET command_ids = REPLACE('[N]', 'N', (SELECT MIN(id) FROM oms_commands"
        " WHERE request_id = REPLACE('oms:signal:N', 'N', signals.id))) WHERE status = 'done'",
        ("signal_command", "signal"),
    ),
    # The registry.
    "role of a user": (
        "UPDATE users SET role = 'admin' WHERE role = 'risk'",
        ("registry_row", "user"),
    ),
    "name of a user": (
        "UPDATE users SET name = 'zoe' WHERE role = 'risk'",
        ("registry_row", "user"),
    ),
    "user disabled": (
        "UPDATE users SET status = 'disabled' WHERE role = 'risk'",
        ("registry_row", "user"),
    ),
    "user inserted": (
        f"INSERT INTO users (id, name, role, status, created_at)"
        f" VALUES ({FAR}, 'eve', 'admin', 'active', '{LATE}')",
        ("registry_unaudited", "user"),
    ),
    "key inserted": (
        "INSERT INTO user_api_keys (id, user_id, api_key_hash, key_prefix, status, created_at)"
        f" SELECT {FAR}, MIN(id), 'x', 'oms_eve', 'active', '{LATE}' FROM users",
        ("registry_unaudited", "api_key"),
    ),
    "key of another user": (
        "UPDATE user_api_keys SET user_id = (SELECT MIN(id) FROM users) WHERE label = 'limited'",
        ("registry_row", "api_key"),
    ),
    "limit of a key": (
        "UPDATE user_api_keys SET max_order_notional = '999999' WHERE label = 'limited'",
        ("registry_row", "api_key"),
    ),
    "expiry of a key": (
        f"UPDATE user_api_keys SET expires_at = '{LATE}' WHERE label = 'limited'",
        ("registry_row", "api_key"),
    ),
    "addresses of a key": (
        "UPDATE user_api_keys SET ip_allowlist = '[\"0.0.0.0/0\"]' WHERE label = 'limited'",
        ("registry_row", "api_key"),
    ),
    "permission widened": (
        "UPDATE api_key_account_permissions SET can_risk_manage = 1 WHERE api_key_id ="
        " (SELECT id FROM user_api_keys WHERE label = 'limited')",
        ("registry_row", "api_key"),
    ),
    "permission deleted": (
        "DELETE FROM api_key_account_permissions WHERE api_key_id ="
        " (SELECT id FROM user_api_keys WHERE label = 'limited')",
        ("registry_row", "api_key"),
    ),
    "permission widened, while another user was granted more": (
        "UPDATE api_key_account_permissions SET can_risk_manage = 1 WHERE api_key_id IN"
        " (SELECT k.id FROM user_api_keys k JOIN users u ON u.id = k.user_id"
        " WHERE u.name = 'trader')",
        ("registry_row", "api_key"),
    ),
    "permission restricted to fewer strategies": (
        "INSERT INTO api_key_strategy_permissions"
        " (api_key_id, account_id, strategy_id, status, created_at)"
        " SELECT p.api_key_id, p.account_id, s.id, 'active', p.created_at"
        " FROM api_key_account_permissions p, strategies s",
        ("registry_row", "api_key"),
    ),
    "permission inserted": (
        "INSERT INTO api_key_account_permissions"
        " (api_key_id, account_id, can_trade, created_at, updated_at)"
        f" SELECT k.id, a.id, 1, '{LATE}', '{LATE}' FROM user_api_keys k, accounts a"
        " WHERE k.user_id IN (SELECT id FROM users WHERE role = 'admin')",
        ("registry_unaudited", "api_key"),
    ),
    "label of an account": (
        "UPDATE accounts SET label = 'other' WHERE label = 'main'",
        ("registry_row", "account"),
    ),
    "name of a strategy": ("UPDATE strategies SET name = 'x'", ("registry_row", "strategy")),
    "kill switch released": (
        "UPDATE kill_switches SET is_on = 0",
        ("registry_row", "kill_switch"),
    ),
    "kill switch weakened": (
        "UPDATE kill_switches SET mode = 'reduce_only'",
        ("registry_row", "kill_switch"),
    ),
    "kill switch deleted": ("DELETE FROM kill_switches", ("registry_row", "kill_switch")),
    "account deleted": (
        "DELETE FROM accounts",
        ("row_account", "oms_orders"),
    ),
    # The paper exchange.
    "paper state": (
        "UPDATE paper_state SET state_json = '{}'",
        ("paper_hash", "paper_state"),
    ),
    "paper trade deleted": ("DELETE FROM paper_trades", ("paper_deal", "deal")),
}
