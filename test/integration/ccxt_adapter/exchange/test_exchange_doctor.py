"""``oms doctor --account-id`` tries an account's exchange once and names what is wrong."""

import json
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.client import venue_client
from oms.adapters.ccxt.client.key_permissions import KeyPermissions
from oms.cli.main import main
from oms.cli.settings import environment

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command of an installation of its own; returns its JSON."""
    monkeypatch.chdir(tmp_path)
    for name in list(environment()):
        if name.startswith("OMS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OMS_HOME", str(tmp_path / "var"))

    def run(*words: str, stdin: str = "") -> Any:
        monkeypatch.setattr(sys, "stdin", StringIO(stdin))
        try:
            main([*words, "--json"])
        except SystemExit as left:
            assert left.code in (0, 7), capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def checks(run: Run, venue: LoopbackExchange) -> Callable[..., dict[str, tuple[bool, str]]]:
    """Returns the doctor's checks of an account with these credentials."""
    run("install")
    user = str(run("create-user", "--name", "ada")["user_id"])

    def checks(key: str | None, secret: str, mode: str = "netting") -> Any:
        extra = json.dumps(venue.startup["extra_config"]["bybit"])
        flags = ("--exchange-id", "ccxt.bybit", "--label", f"{key} {mode}", "--testnet")
        made = run(
            "add-account",
            *("--user-id", user, *flags, "--position-mode", mode, "--extra-config", extra),
        )
        named = f"--account-id={made['account_id']}"
        if key is not None:
            ways = ("--api-key-stdin", "--secret-stdin")
            run("upsert-account-credentials", named, *ways, stdin=f"{key}\n{secret}\n")
        results = run("doctor", named)["checks"]
        return {each["name"]: (each["ok"], each["detail"]) for each in results}

    return checks


def test_a_healthy_account(checks: Callable[..., Any], venue: LoopbackExchange) -> None:
    results = checks("loop-a", venue.startup["keys"]["loop-a"])
    assert results["exchange"][0] and "127.0.0.1" in results["exchange"][1]
    assert "ccxt.bybit in testnet" in results["exchange"][1]
    assert results["exchange_clock"][0]
    assert results["credentials"][0]
    assert results["permissions"] == (True, "trade: yes; withdraw: no")
    assert "position_mode" not in results
    log = venue.control("log")["log"]
    assert {row["method"] for row in log} == {"GET"}, "nothing is changed"


def test_problems_are_named(checks: Callable[..., Any], venue: LoopbackExchange) -> None:
    assert not checks(None, "")["exchange"][0]
    wrong = checks("loop-a", "not-the-secret")
    assert not wrong["exchange"][0] and "auth_failed" in wrong["exchange"][1]
    assert "not-the-secret" not in str(wrong)
    reader = checks("loop-ro", venue.startup["keys"]["loop-ro"])
    assert reader["permissions"] == (False, "trade: no; withdraw: no")
    hedge = checks("loop-b", venue.startup["keys"]["loop-b"], "hedge")
    assert hedge["position_mode"][0] is True, "tickets over a net position are valid"
    assert "one_way" in hedge["position_mode"][1] and "here" in hedge["position_mode"][1]


def test_a_key_that_may_withdraw_is_not_used(
    checks: Callable[..., Any], venue: LoopbackExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def may_withdraw(*_: object) -> KeyPermissions:
        return KeyPermissions(trades=True, can_withdraw=True)

    monkeypatch.setattr(venue_client, "fetch_key_permissions", may_withdraw)
    results = checks("loop-a", venue.startup["keys"]["loop-a"])
    assert not results["exchange"][0]
    assert "withdrawal_key" in results["exchange"][1]
