"""The books after a storm, looked at by plain SQL past all of the gateway's code."""

import json
from decimal import Decimal
from typing import Any

from kit.databases.sql import fetch_number, fetch_rows


def check_commands(dsn: str, results: dict[str, dict[str, Any]]) -> None:
    """Every acknowledged command stands there once, done once, with at most one order."""
    lost = {key: result for key, result in results.items() if result["status"] != "done"}
    assert not lost, f"{len(lost)} commands did not end done: {list(lost.items())[:3]}"
    asked = "SELECT request_id, id, status, attempts FROM oms_commands WHERE request_id IS NOT NULL"
    stored = {row[0]: row[1:] for row in fetch_rows(dsn, asked)}
    told = {key: (r["command_id"], "done", 1) for key, r in results.items()}
    assert stored == told, _difference(stored, told)
    assert fetch_number(dsn, "SELECT COUNT(*) FROM oms_commands") == len(told)
    # An order that a command did not make: cancels and reads have none.
    makers = "SELECT id FROM oms_commands WHERE command_type IN ('send_order', 'close_position')"
    made = [command_id for (command_id,) in fetch_rows(dsn, "SELECT command_id FROM oms_orders")]
    assert sorted(made) == sorted(command_id for (command_id,) in fetch_rows(dsn, makers))


def check_deals(dsn: str) -> None:
    """No deal is booked twice, and every order is filled by its own deals."""
    doubled = """SELECT account_id, symbol, exchange_trade_id, leg FROM oms_deals
                 GROUP BY account_id, symbol, exchange_trade_id, leg HAVING COUNT(*) > 1"""
    assert fetch_rows(dsn, doubled) == []
    per_order: dict[int, Decimal] = {}
    for order_id, qty in fetch_rows(dsn, "SELECT order_id, qty FROM oms_deals"):
        per_order[order_id] = per_order.get(order_id, Decimal(0)) + _decimal(qty)
    filled = fetch_rows(dsn, "SELECT id, filled_qty FROM oms_orders")
    assert {i: _decimal(q) for i, q in filled if _decimal(q)} == per_order


def check_numbers(dsn: str) -> None:
    """The events of every account are numbered without gaps up to its head."""
    heads = dict(fetch_rows(dsn, "SELECT account_id, head_seq FROM account_streams"))
    last: dict[int, int] = {}
    told = "SELECT account_id, seq, seq_to FROM event_outbox ORDER BY account_id, seq"
    for account_id, seq, seq_to in fetch_rows(dsn, told):
        assert seq == last.get(account_id, 0) + 1, f"account {account_id}: gap before {seq}"
        last[account_id] = seq_to
    assert {a: s for a, s in heads.items() if s} == last


def check_tokens(dsn: str) -> int:
    """Nobody wrote under a lost token; how often an account's writer changed.

    The event numbers are the order of the commits. Along them the tokens of an account's finished
    commands never fall, and each command is told to have ended once.
    """
    tokens = dict(fetch_rows(dsn, "SELECT id, lease_token FROM oms_commands"))
    current = dict(fetch_rows(dsn, "SELECT account_id, lease_token FROM account_streams"))
    last: dict[int, int] = {}
    ended: list[int] = []
    changes = 0
    told = "SELECT account_id, payload_json FROM event_outbox ORDER BY account_id, seq"
    for account_id, payload in fetch_rows(dsn, told):
        for command_id in _ended(payload):
            token = tokens[command_id]
            before = last.get(account_id, token)
            assert token >= before, f"account {account_id}: {token} wrote after {before}"
            changes += token > before
            last[account_id] = token
            ended.append(command_id)
    assert sorted(ended) == sorted(tokens), "each command ends once"
    assert all(current[account_id] >= token for account_id, token in last.items())
    return changes


def _ended(payload: str) -> list[int]:
    told = json.loads(payload)
    events = told if isinstance(told, list) else [{"event": "command_updated", "payload": told}]
    return [
        int(event["payload"]["command_id"])
        for event in events
        if event["event"] == "command_updated" and event["payload"].get("status") == "done"
    ]


def _difference(stored: dict[Any, Any], told: dict[Any, Any]) -> str:
    wrong = {
        key: (stored.get(key), told.get(key))
        for key in {*stored, *told}
        if stored.get(key) != told.get(key)
    }
    return f"{len(wrong)} commands differ (stored, told): {list(wrong.items())[:5]}"


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))
