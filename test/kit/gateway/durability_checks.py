"""Checks of orders, deals, events and leases after a load with kills, by plain SQL."""

import json
from decimal import Decimal
from typing import Any

from kit.databases.sql import fetch_number, fetch_rows

_IS_OF_ORDER = "order_id IS NOT NULL"


def count_lost_and_doubled(dsn: str, results: dict[str, dict[str, Any]]) -> tuple[int, int]:
    """How many acknowledged commands are not stored as done, and how much was done twice.

    The latter: request ids of several commands, commands that were executed or that made orders
    more than once, and deals that were booked more than once.
    """
    query = "SELECT request_id, id, status FROM oms_commands WHERE request_id IS NOT NULL"
    stored = {(row[0], row[1]) for row in fetch_rows(dsn, query) if row[2] == "done"}
    acknowledged = {(request_id, result["command_id"]) for request_id, result in results.items()}
    doubled = (
        "SELECT request_id FROM oms_commands WHERE request_id IS NOT NULL"
        " GROUP BY account_id, request_id HAVING COUNT(*) > 1",
        "SELECT id FROM oms_commands WHERE attempts > 1",
        "SELECT command_id FROM oms_orders GROUP BY command_id HAVING COUNT(*) > 1",
        "SELECT order_id FROM oms_deals GROUP BY account_id, symbol, exchange_trade_id, leg"
        " HAVING COUNT(*) > 1",
    )
    return len(acknowledged - stored), sum(len(fetch_rows(dsn, each)) for each in doubled)


def check_commands(dsn: str, results: dict[str, dict[str, Any]]) -> None:
    """Every acknowledged command is stored once, was executed once and made at most one order."""
    unfinished = {key: result for key, result in results.items() if result["status"] != "done"}
    assert not unfinished, (
        f"{len(unfinished)} commands did not end done: {list(unfinished.items())[:3]}"
    )
    query = "SELECT request_id, id, status, attempts FROM oms_commands WHERE request_id IS NOT NULL"
    stored = {row[0]: row[1:] for row in fetch_rows(dsn, query)}
    expected = {key: (r["command_id"], "done", 1) for key, r in results.items()}
    assert stored == expected, _difference(stored, expected)
    assert fetch_number(dsn, "SELECT COUNT(*) FROM oms_commands") == len(expected)
    # Only these commands make orders.
    commands = "SELECT id FROM oms_commands WHERE command_type IN ('send_order', 'close_position')"
    command_ids = [
        command_id for (command_id,) in fetch_rows(dsn, "SELECT command_id FROM oms_orders")
    ]
    assert sorted(command_ids) == sorted(command_id for (command_id,) in fetch_rows(dsn, commands))


def check_deals(dsn: str) -> None:
    """No deal is booked twice, and filled quantities equal the sums of the deals of the orders.

    Payments, such as those of a funding time in the run, belong to no order.
    """
    duplicates = """SELECT account_id, symbol, exchange_trade_id, leg FROM oms_deals
                 GROUP BY account_id, symbol, exchange_trade_id, leg HAVING COUNT(*) > 1"""
    assert fetch_rows(dsn, duplicates) == []
    per_order: dict[int, Decimal] = {}
    for order_id, qty in fetch_rows(
        dsn, f"SELECT order_id, qty FROM oms_deals WHERE {_IS_OF_ORDER}"
    ):
        per_order[order_id] = per_order.get(order_id, Decimal(0)) + _decimal(qty)
    filled = fetch_rows(dsn, "SELECT id, filled_qty FROM oms_orders")
    assert {i: _decimal(q) for i, q in filled if _decimal(q)} == per_order


def check_numbers(dsn: str) -> None:
    """The events of every account have consecutive numbers up to its head."""
    heads = dict(fetch_rows(dsn, "SELECT account_id, head_seq FROM account_streams"))
    last: dict[int, int] = {}
    query = "SELECT account_id, seq, seq_to FROM event_outbox ORDER BY account_id, seq"
    for account_id, seq, seq_to in fetch_rows(dsn, query):
        assert seq == last.get(account_id, 0) + 1, f"account {account_id}: gap before {seq}"
        last[account_id] = seq_to
    assert {a: s for a, s in heads.items() if s} == last


def check_id_order(dsn: str) -> None:
    """The ids of the deals of each account follow their times, whichever worker booked them.

    A payment has the time at which it was due, so it may be booked after later deals.
    """
    times = (
        "SELECT id, executed_at, LAG(executed_at) OVER (PARTITION BY account_id ORDER BY id)"
        f" AS time_before FROM oms_deals WHERE {_IS_OF_ORDER}"
    )
    later = f"SELECT id FROM ({times}) AS deals WHERE executed_at < time_before"
    assert fetch_rows(dsn, later) == []


def check_tokens(dsn: str) -> int:
    """No worker wrote with a lost lease; returns how often the writer of an account changed.

    Event numbers give the order of commits. Along them the lease tokens of finished commands never
    decrease, and each command has exactly one final event.
    """
    tokens = dict(fetch_rows(dsn, "SELECT id, lease_token FROM oms_commands"))
    current = dict(fetch_rows(dsn, "SELECT account_id, lease_token FROM account_streams"))
    last: dict[int, int] = {}
    finished: list[int] = []
    changes = 0
    query = "SELECT account_id, payload_json FROM event_outbox ORDER BY account_id, seq"
    for account_id, payload in fetch_rows(dsn, query):
        for command_id in _finished_command_ids(payload):
            token = tokens[command_id]
            previous = last.get(account_id, token)
            assert token >= previous, f"account {account_id}: {token} wrote after {previous}"
            changes += token > previous
            last[account_id] = token
            finished.append(command_id)
    assert sorted(finished) == sorted(tokens), "each command ends once"
    assert all(current[account_id] >= token for account_id, token in last.items())
    return changes


def _finished_command_ids(payload: str) -> list[int]:
    decoded = json.loads(payload)
    single = [{"event": "command_updated", "payload": decoded}]
    events = decoded if isinstance(decoded, list) else single
    return [
        int(event["payload"]["command_id"])
        for event in events
        if event["event"] == "command_updated" and event["payload"].get("status") == "done"
    ]


def _difference(stored: dict[Any, Any], expected: dict[Any, Any]) -> str:
    different = {
        key: (stored.get(key), expected.get(key))
        for key in {*stored, *expected}
        if stored.get(key) != expected.get(key)
    }
    return f"{len(different)} commands differ (stored, expected): {list(different.items())[:5]}"


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))
