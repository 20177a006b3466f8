"""Kinds of tampering with the database, each named by ``oms verify``.

Those of ``kit.attack.tampering_kinds`` need the database only. ``CHECKPOINT_KINDS`` recompute
or shorten a chain, and need a checkpoint that was kept elsewhere. ``OUT_OF_REACH`` are not found;
docs/security-model.md lists them.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.attack.tampering_kinds import FAR, GENESIS, KINDS, LATE

PAGE = Path(__file__).parents[3] / "docs" / "security-model.md"

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
    "body of a signal as it was received": "UPDATE signals SET raw_json = '{}'",
    "discrepancies and reconcile runs": (
        "INSERT INTO reconcile_runs (id, account_id, scope, started_at, finished_at, counts_json)"
        f" SELECT {FAR}, id, 'short', '{LATE}', '{LATE}', '{{}}' FROM accounts"
    ),
    "a queued command that is inserted": (
        "INSERT INTO oms_commands (id, account_id, command_type, fingerprint, payload_json,"
        " status, created_at, updated_at, queued_at)"
        f" SELECT {FAR}, id, 'cancel_all_orders', 'x', '{{}}',"
        f" 'queued', '{LATE}', '{LATE}', '{LATE}' FROM accounts"
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
