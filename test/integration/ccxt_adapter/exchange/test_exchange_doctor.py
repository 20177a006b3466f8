"""``oms doctor --account-id``: an account's exchange is tried once, and what is wrong is named."""

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
    """Runs a command of an installation of its own; its JSON."""
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
    """What the doctor finds of an account with these credentials."""
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
        told = run("doctor", named)["checks"]
        return {each["name"]: (each["ok"], each["detail"]) for each in told}

    return checks


def test_an_account_that_is_well(checks: Callable[..., Any], venue: LoopbackExchange) -> None:
    told = checks("loop-a", venue.startup["keys"]["loop-a"])
    assert told["exchange"][0] and "127.0.0.1" in told["exchange"][1]
    assert "ccxt.bybit in testnet" in told["exchange"][1]
    assert told["exchange_clock"][0]
    assert told["credentials"][0]
    assert told["permissions"] == (True, "trade: yes; withdraw: no")
    assert "position_mode" not in told
    log = venue.control("log")["log"]
    assert {row["method"] for row in log} == {"GET"}, "nothing is changed"


def test_what_is_wrong_is_named(checks: Callable[..., Any], venue: LoopbackExchange) -> None:
    assert not checks(None, "")["exchange"][0]
    wrong = checks("loop-a", "not-the-secret")
    assert not wrong["exchange"][0] and "auth_failed" in wrong["exchange"][1]
    assert "not-the-secret" not in str(wrong)
    reader = checks("loop-ro", venue.startup["keys"]["loop-ro"])
    assert reader["permissions"] == (False, "trade: no; withdraw: no")
    hedge = checks("loop-b", venue.startup["keys"]["loop-b"], "hedge")
    assert hedge["position_mode"][0] is True, "tickets over the net are no fault"
    assert "one_way" in hedge["position_mode"][1] and "here" in hedge["position_mode"][1]


def test_a_key_that_may_withdraw_is_not_used(
    checks: Callable[..., Any], venue: LoopbackExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def may_withdraw(*_: object) -> KeyPermissions:
        return KeyPermissions(trades=True, can_withdraw=True)

    monkeypatch.setattr(venue_client, "fetch_key_permissions", may_withdraw)
    told = checks("loop-a", venue.startup["keys"]["loop-a"])
    assert not told["exchange"][0]
    assert "withdrawal_key" in told["exchange"][1]
