"""``oms`` against a real gateway and its database: output, exit statuses, permissions.

Commands run as a user runs them, each in a process of its own.
"""

import json
import re
import secrets
import subprocess
import sys
from typing import Any

import pytest

from kit.databases.sql import fetch_rows
from kit.free_ports import free_port
from kit.gateway.processes import Gateway
from kit.gateway.shell import Shell
from kit.http.client import call, get

SYMBOL = "BTC/USDT:USDT"
TERMINAL_WIDTH = 120


def test_an_order_is_sent_changed_canceled_and_closed(gateway: Gateway) -> None:
    account = f"--account-id={gateway.netting_account_id}"
    order = ("--symbol", SYMBOL, "--side", "buy", "--order-type")
    sent = _run_json(gateway, "send-order", account, *order, "market", "--qty", "0.02")
    (result,) = sent["results"]
    assert result["status"] == "done"
    csv = f"--account-ids={gateway.netting_account_id}"
    (position,) = _run_json(gateway, "positions-open", csv)["items"]
    assert position["qty"] == "0.02"
    limit = ("limit", "--qty", "0.02", "--price", "10000")
    (resting,) = _run_json(gateway, "send-order", account, *order, *limit)["results"]
    named = f"--order-id={resting['order_id']}"
    _run_json(gateway, "change-order", account, named, "--new-price", "11000")
    (open_order,) = _run_json(gateway, "orders-open", csv)["items"]
    assert open_order["price"] == "11000"
    _run_json(gateway, "cancel-order", account, named)
    _run_json(gateway, "close-position", account, f"--position-id={position['id']}")
    assert _run_json(gateway, "positions-open", csv)["items"] == []
    assert len(_run_json(gateway, "deals", csv)["items"]) == 2
    assert len(_run_json(gateway, "orders-history", csv)["items"]) == 3
    assert len(_run_json(gateway, "positions-history", csv)["items"]) == 1
    assert _run_json(gateway, "verify")["ok"] is True


def test_the_server_s_json_is_printed_unchanged(gateway: Gateway) -> None:
    assert _run_json(gateway, "healthz") == get(gateway, "/healthz")
    assert _run_json(gateway, "list-accounts") == get(gateway, "/oms/accounts")


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("orders-open --account-ids 1 --api-key wrong-key", 3, "invalid_api_key"),
        ("orders-open --account-ids 987654", 4, "account_not_found"),
        ("cancel-order --account-id {0} --order-id 1 --api-key {2}", 3, "admin_read_only"),
        ("cancel-order --account-id {0} --order-id 987654", 4, "order_not_found"),
        ("send-order --account-id {0} --symbol X/Y --side buy --order-type market --qty 1", 2, ""),
        ("send-order --account-id {0} --symbol A/B --side up --order-type market --qty 1", 2, ""),
        ("healthz --base-url http://127.0.0.1:{1}", 6, "cannot be reached"),
        ("healthz --base-url ftp://127.0.0.1", 2, "not an HTTP URL"),
        ("create-api-key --user-id 987654", 4, ""),
        ("create-api-key --user-id 1 --api-key short", 2, "8..128"),
        ("add-account --user-id 1 --exchange-id fix.x --label a", 2, "unsupported_engine"),
    ],
)
def test_a_failure_has_its_status_and_one_line(
    gateway: Gateway, line: str, status: int, said: str
) -> None:
    words = line.format(gateway.netting_account_id, free_port(), gateway.admin_api_key).split()
    done = _run(gateway, *words)
    assert done.returncode == status, done.stderr
    (complaint,) = done.stderr.splitlines()
    assert complaint.startswith("oms: ") and said in complaint


def test_a_person_sees_what_became_of_an_order(gateway: Gateway) -> None:
    account = f"--account-id={gateway.account_id}"
    order = ("--symbol", SYMBOL, "--side", "buy", "--order-type", "market", "--qty", "0.02")
    first, second, third = _run_on_terminal(gateway, "send-order", account, *order)
    assert re.fullmatch(rf"FILLED  buy 0\.02 {SYMBOL} at [\d.]+", first)
    assert re.fullmatch(rf"order \d+, account {gateway.account_id}, fee [\d.]+ USDT", second)
    assert re.fullmatch(rf"position \d+: buy 0\.02 {SYMBOL} at [\d.]+", third)
    table = _run_on_terminal(gateway, "positions-open")
    assert table[0].split()[:4] == ["id", "account", "symbol", "side"]
    assert max(map(len, table)) <= TERMINAL_WIDTH
    too_small = (*order[:-1], "0.0000001")
    (complaint,) = _run_on_terminal(gateway, "send-order", account, *too_small, status=2)
    assert complaint.startswith("oms: qty_below_minimum: ")


def test_watch_shows_positions_until_ctrl_c(gateway: Gateway) -> None:
    account = f"--account-id={gateway.account_id}"
    order = ("--symbol", SYMBOL, "--side", "buy", "--order-type", "market", "--qty", "0.02")
    _run_on_terminal(gateway, "send-order", account, *order)
    lines = _run_on_terminal(gateway, "watch", interrupt=SYMBOL)
    assert "live; Ctrl-C ends" in lines[0]
    assert not [line for line in lines if "Traceback" in line]


def _run_on_terminal(
    gateway: Gateway, *words: str, interrupt: str = "", status: int = 0
) -> list[str]:
    """Return the lines that a command shows on a terminal, without styles."""
    keys = {"OMS_BASE_URL": gateway.base_url, "OMS_API_KEY": gateway.api_key}
    width = {"TERM": "xterm", "COLUMNS": str(TERMINAL_WIDTH)}
    shell = Shell({**gateway.environment, **keys, **width}, gateway.folder)
    shown = re.sub(
        r"\x1b\[[0-9;]*m", "", shell.at_terminal(*words, interrupt=interrupt, status=status)
    )
    return [line.rstrip() for line in shown.splitlines()]


def test_a_key_is_required_without_a_terminal(gateway: Gateway) -> None:
    done = _run(gateway, "list-accounts", key=None)
    assert done.returncode == 2
    assert "--api-key" in done.stderr


def test_users_keys_and_accounts(gateway: Gateway) -> None:
    ann = _run_json(gateway, "create-user", "--name", "ann")
    assert (ann["name"], ann["role"], ann["created"]) == ("ann", "trader", True)
    again = _run_json(gateway, "create-user", "--name", "ann")
    assert (again["user_id"], again["created"]) == (ann["user_id"], False)
    user = f"--user-id={ann['user_id']}"
    before = _run_json(gateway, "create-api-key", user, "--label", "old")
    made = _run_json(
        gateway, "add-account", user, "--exchange-id", "paper.binance", "--label", "ann's"
    )
    after = _run_json(gateway, "create-api-key", user, "--label", "new")
    for key in (before["api_key"], after["api_key"]):
        status, body, _ = call(gateway, "GET", "/oms/accounts", key=key)
        assert status == 200
        assert [row["account_id"] for row in body["items"]] == [made["account_id"]]
    stored = fetch_rows(gateway.dsn, "SELECT api_key_hash FROM user_api_keys")
    assert all(len(text) == 64 for (text,) in stored)
    actors = fetch_rows(gateway.dsn, "SELECT DISTINCT actor FROM audit_log")
    assert all(actor.startswith("cli:") for (actor,) in actors)


def test_install_can_be_repeated(gateway: Gateway) -> None:
    text = f"chosen-{secrets.token_urlsafe(24)}"
    label = f"installed-{secrets.token_hex(4)}"
    line = ("install", "--with-account", "--label", label, "--trader-name", "bob", "--api-key")
    first = _run_json(gateway, *line, text)
    assert first["api_key"]["plain"] == text
    assert first["user"]["name"] == "bob"
    assert first["account"]["position_mode"] == "hedge"
    status, body, _ = call(gateway, "GET", "/oms/accounts", key=text)
    assert status == 200
    assert [row["account_id"] for row in body["items"]] == [first["account"]["id"]]
    second = _run_json(gateway, *line, text)
    assert second["account"]["id"] == first["account"]["id"]
    assert second["api_key"]["plain"] is None
    assert second["api_key"]["id"] == first["api_key"]["id"]


def test_the_schema_version_is_printed(gateway: Gateway) -> None:
    status = _run_json(gateway, "db", "status")
    assert status["pending"] == []
    upgraded = _run_json(gateway, "db", "upgrade")
    assert upgraded == {
        "ok": True,
        "from": status["version"],
        "to": status["version"],
        "applied": [],
    }


def _run_json(gateway: Gateway, *words: str) -> Any:
    """Return the JSON output of a command that must succeed."""
    done = _run(gateway, *words)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def _run(gateway: Gateway, *words: str, key: str | None = "") -> "subprocess.CompletedProcess[str]":
    known = {"OMS_BASE_URL": gateway.base_url}
    if key is not None:
        known["OMS_API_KEY"] = key or gateway.api_key
    return subprocess.run(
        [sys.executable, "-m", "oms", *words],
        env=gateway.environment | known,
        cwd=gateway.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
