"""Kinds of tampering with the database, each named by ``oms verify``.

``KINDS`` need nothing but the database. ``CHECKPOINT_KINDS`` recompute or shorten a chain, and need
a checkpoint that was kept elsewhere. ``OUT_OF_REACH`` are not found; docs/security-model.md lists
them.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GENESIS = "0" * 64
FAR = 900_000_000
LATE = "2026-01-01T00:00:00.000000Z"
PAGE = Path(__file__).parents[3] / "docs" / "security-model.md"

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
    "deal price": ("UPDATE oms_deals SET price = '1'", ("deal_event", "deal")),
    "deal fee": ("UPDATE oms_deals SET fee = '0'", ("order_fees", "order")),
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
    # The registry.
    "role of a user": (
        "UPDATE users SET role = 'admin' WHERE role = 'risk'",
        ("registry_row", "user"),
    ),
    "name of a user": (
        "UPDATE users SET name = 'zoe' WHERE role = 'risk'",
        ("registry_row", "user"),
    ),
    "user activated": (
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

#: Not found without and with a checkpoint; docs/security-model.md has the same list.
OUT_OF_REACH = {
    "hash of a key": "UPDATE user_api_keys SET api_key_hash = 'x' WHERE label = 'limited'",
    "password of a user": "UPDATE user_password_credentials SET password_hash = 'x'",
    "time of the last use of a key": f"UPDATE user_api_keys SET last_used_at = '{LATE}'",
    "lease owner": "UPDATE account_leases SET owner = 'x'",
    "stop levels and comments": "UPDATE oms_positions SET comment = 'x'",
    "status of an account": "UPDATE accounts SET status = 'blocked'",
    "risk switches of an account or strategy": (
        "INSERT INTO account_risk_state (account_id, allow_new_positions, created_at, updated_at)"
        f" SELECT id, 0, '{LATE}', '{LATE}' FROM accounts"
    ),
    "login tokens": (
        "INSERT INTO auth_tokens (id, user_id, api_key_id, token_hash, status, created_at)"
        f" SELECT {FAR}, user_id, id, 'x', 'active', '{LATE}' FROM user_api_keys LIMIT 1"
    ),
    "sealed credentials": (
        "INSERT INTO account_credentials_encrypted (account_id, api_key_enc, secret_enc, key_id,"
        f" fingerprint, created_at, updated_at) SELECT id, '', '', 'k', 'x', '{LATE}', '{LATE}'"
        " FROM accounts"
    ),
    "raw payloads": (
        "INSERT INTO ccxt_orders_raw (id, account_id, exchange_id, raw_json, fingerprint_hash,"
        f" observed_at) SELECT {FAR}, id, 'x', '{{}}', 'x', '{LATE}' FROM accounts"
    ),
    "discrepancies and reconcile runs": (
        "INSERT INTO reconcile_runs (id, account_id, scope, started_at, finished_at, counts_json)"
        f" SELECT {FAR}, id, 'short', '{LATE}', '{LATE}', '{{}}' FROM accounts"
    ),
    "a queued command that is inserted": (
        "INSERT INTO oms_commands (id, account_id, command_type, fingerprint, payload_json,"
        f" status, created_at, updated_at) SELECT {FAR}, id, 'cancel_all_orders', 'x', '{{}}',"
        f" 'queued', '{LATE}', '{LATE}' FROM accounts"
    ),
}


async def test_healthy_book_has_no_finding(attacked: Any) -> None:
    assert await attacked.found(with_checkpoint=True) == set()


@pytest.mark.parametrize("kind", KINDS)
async def test_tampering_is_named(kind: str, attacked: Any) -> None:
    statement, expected = KINDS[kind]
    attacked.connection.execute("PRAGMA foreign_keys = OFF")
    attacked.do(statement)
    assert expected in await attacked.found()


def _rewrite_the_audit_log(a: Any) -> None:
    a.do("UPDATE audit_log SET actor = 'x', chain_no = NULL, prev_hash = NULL, hash = NULL")
    a.do(f"UPDATE audit_chain SET length = 0, hash = '{GENESIS}' WHERE id = 1")


def _cut_the_audit_log(a: Any) -> None:
    (last,) = a.one("SELECT MAX(chain_no) FROM audit_log")
    (before,) = a.one("SELECT hash FROM audit_log WHERE chain_no = ?", last - 1)
    a.do("DELETE FROM audit_log WHERE chain_no = ?", last)
    a.do("UPDATE audit_chain SET length = ?, hash = ? WHERE id = 1", last - 1, before)


def _rewrite_the_commands(a: Any) -> None:
    a.do("UPDATE oms_commands SET actor_ip = '10.9.9.9'")
    a.do("DELETE FROM command_chain")
    a.do(f"UPDATE audit_chain SET length = 0, hash = '{GENESIS}' WHERE id = 2")


def _cut_the_commands(a: Any) -> None:
    last, command_id = a.one(
        "SELECT chain_no, command_id FROM command_chain ORDER BY chain_no DESC LIMIT 1"
    )
    a.do("DELETE FROM oms_commands WHERE id = ?", command_id)
    (before,) = a.one("SELECT hash FROM command_chain WHERE chain_no = ?", last - 1)
    a.do("DELETE FROM command_chain WHERE chain_no = ?", last)
    a.do("UPDATE audit_chain SET length = ?, hash = ? WHERE id = 2", last - 1, before)


CHECKPOINT_KINDS: tuple[Callable[[Any], None], ...] = (
    _rewrite_the_audit_log,
    _cut_the_audit_log,
    _rewrite_the_commands,
    _cut_the_commands,
)


@pytest.mark.parametrize("attack", CHECKPOINT_KINDS, ids=lambda each: each.__name__.strip("_"))
async def test_recomputed_chain_needs_the_checkpoint(
    attack: Callable[[Any], None], attacked: Any
) -> None:
    attack(attacked)
    await attacked.rechain()
    chains = {"chain_hash", "chain_head", "chain_length", "chain_number", "chain_link"}
    assert not {name for name, _ in await attacked.found()} & (chains | {"command_digest"})
    found = {name for name, _ in await attacked.found(with_checkpoint=True)}
    assert found & {"checkpoint_hash", "checkpoint_length"}


@pytest.mark.parametrize("kind", OUT_OF_REACH)
async def test_what_is_out_of_reach_is_documented(kind: str, attacked: Any) -> None:
    attacked.do(OUT_OF_REACH[kind])
    assert await attacked.found(with_checkpoint=True) == set()
    assert f"- {kind}" in PAGE.read_text(encoding="utf-8")


def test_fingerprint_of_the_paper_state_is_its_content(attacked: Any) -> None:
    """The hash protects against accidents: it can be recomputed, and the balances are checked."""
    state, name = attacked.one("SELECT state_json, hash FROM paper_state")
    assert hashlib.sha256(state.encode()).hexdigest() == name
    assert json.loads(state)
