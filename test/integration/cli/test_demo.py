"""``oms demo``: what it makes, that its ledger is consistent, and that it touches nothing else.

The processes it runs are those of ``oms up``; here they are not started.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oms.cli.demo import demo as demo_module
from oms.cli.main import main

DAYS = 2
#: Printed in this order: who may trade comes first.
LOGINS = ("trader", "admin")


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    """A patch for all tests of the module."""
    with pytest.MonkeyPatch.context() as context:
        yield context


@pytest.fixture(scope="module")
def texts(patch: pytest.MonkeyPatch) -> list[str]:
    """What the runs printed in place of starting processes."""
    printed: list[str] = []

    def supervise(_settings: object, _listener: object, text: str) -> None:
        printed.append(text)
        for name in ("OMS_HOME", "OMS_DATABASE_URL"):
            os.environ.pop(name)  # What the processes would inherit.

    patch.setattr(demo_module, "supervise", supervise)
    return printed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    """The folder of a new demo."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    run(folder)
    return folder


def run(folder: Path, *flags: str) -> None:
    """Run ``oms demo``, with its own database."""
    main(["demo", "--home", str(folder), "--port", "0", "--days", str(DAYS), *flags])


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *flags: str) -> str:
    """Run ``oms demo``, which must be refused; return the message."""
    with pytest.raises(SystemExit) as exit_info:
        run(folder, *flags)
    assert exit_info.value.code == 2
    return capsys.readouterr().err


def content(folder: Path) -> Any:
    return json.loads((folder / "demo.json").read_text(encoding="utf-8"))


def column(folder: Path, query: str) -> list[Any]:
    with sqlite3.connect(folder / "oms.sqlite3") as connection:
        return [row[0] for row in connection.execute(query)]


def test_it_has_accounts_trades_and_what_can_happen_to_orders(home: Path, texts: list[str]) -> None:
    made = content(home)
    assert set(made["accounts"]) == {"Binance hedge", "Bybit netting", "OKX coin-margined"}
    text = texts[0]
    trader, admin = (f"user: {name}, password: {made['passwords'][name]}" for name in LOGINS)
    assert text.index(trader) < text.index(admin) and made["api_key"] in text
    assert f"{made['base_url']}/ui/" in text
    states = column(home, "SELECT state FROM oms_positions")
    assert states.count("open") > 15 and states.count("closed") > 3
    statuses = set(column(home, "SELECT status FROM oms_orders"))
    assert statuses >= {"FILLED", "SUBMITTED", "CANCELED", "REJECTED"}
    held = column(home, "SELECT DISTINCT account_id FROM oms_positions WHERE state = 'open'")
    assert sorted(held) == sorted(made["accounts"].values())
    assert len(column(home, "SELECT id FROM price_alerts")) == 4
    comments = column(home, "SELECT comment FROM oms_commands")
    assert any("review" in (comment or "") for comment in comments)


def test_its_past_has_the_times_it_happened_at(home: Path) -> None:
    days = set(column(home, "SELECT substr(executed_at, 1, 10) FROM oms_deals"))
    assert len(days) >= DAYS
    late = (
        "SELECT id FROM oms_deals WHERE abs(julianday(created_at) - julianday(executed_at)) > 0.2"
    )
    assert column(home, late) == []
    curve = column(home, "SELECT equity FROM equity_snapshots WHERE account_id = 1")
    assert len(set(curve)) > 20


def test_its_ledger_is_consistent(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as context:
        context.setenv("OMS_HOME", str(home))
        context.setenv("OMS_DATABASE_URL", f"sqlite+aiosqlite:///{home / 'oms.sqlite3'}")
        main(["verify", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] and len(answer["accounts"]) == 3


def test_the_next_start_goes_on_with_it(home: Path, texts: list[str]) -> None:
    before, deals = content(home), column(home, "SELECT COUNT(*) FROM oms_deals")
    run(home)
    after = content(home)
    assert {**after, "base_url": ""} == {**before, "base_url": ""}
    assert column(home, "SELECT COUNT(*) FROM oms_deals") == deals
    assert len(texts) == 2


def test_another_seed_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "has the seed 11" in refused(capsys, home, "--seed", "5")


def test_a_database_of_something_else_is_refused(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "oms.sqlite3"
    database.write_bytes((home / "oms.sqlite3").read_bytes())
    assert "is not one that oms demo made" in refused(capsys, tmp_path)
    assert "is not one that oms demo made" in refused(capsys, tmp_path, "--fresh")
    assert database.read_bytes() == (home / "oms.sqlite3").read_bytes()
    (tmp_path / "demo.json").write_text('{"mine": 1}')
    assert "was not written by oms demo" in refused(capsys, tmp_path, "--fresh")


def test_a_database_elsewhere_is_used_only_if_it_is_empty(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as context:
        context.setenv("OMS_DATABASE_URL", f"sqlite+aiosqlite:///{home / 'oms.sqlite3'}")
        assert "is not one that oms demo made" in refused(capsys, tmp_path / "demo")


def test_what_was_not_completed_is_made_again(
    tmp_path: Path, texts: list[str], patch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "oms.sqlite3").write_bytes(b"half of a demo")
    (tmp_path / "demo.json").write_text('{"installation": null, "seed": 11}')

    async def make(settings: Any, seed: int, history: object) -> dict[str, Any]:
        assert not (settings.home / "oms.sqlite3").exists()
        return {**content(tmp_path), "passwords": dict.fromkeys(LOGINS, "p"), "api_key": "k"}

    with patch.context() as context:
        context.setattr(demo_module, "_make", make)
        run(tmp_path)
    assert "password: p" in texts[-1]
