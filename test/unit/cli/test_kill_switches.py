"""``oms kill`` without a server: switches are written to the database."""

from pathlib import Path

import pytest

from kit.databases.schema import create_schema
from kit.databases.sql import fetch_rows
from kit.free_ports import free_port
from oms.cli.kill_switches import pull, release
from oms.cli.main import parser
from oms.cli.output import CommandFailed


@pytest.fixture
def dsn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database in the environment, without a server."""
    import asyncio

    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMS_HOME", str(tmp_path))
    monkeypatch.setenv("OMS_DATABASE_URL", url)
    monkeypatch.setenv("OMS_API_KEY", "oms_an-unused-key-for-tests")
    monkeypatch.setenv("OMS_BASE_URL", f"http://127.0.0.1:{free_port()}")
    asyncio.run(create_schema(url))
    return url


def test_on_and_off_in_the_database(dsn: str) -> None:
    words = ["kill", "on", "--scope=symbol", "--id=BTC/USDT", "--comment=it burns"]
    answer = pull(parser().parse_args([*words, "--mode=cancel_only"]))
    assert answer == {
        "ok": True,
        "scope": "symbol",
        "id": "BTC/USDT",
        "mode": "cancel_only",
        "on": True,
        "kill_ids": [1],
        "through": "database",
        "report": [],
        "would": None,
    }
    found = fetch_rows(dsn, "SELECT scope, scope_id, mode, is_on, comment FROM kill_switches")
    assert found == [("symbol", "BTC/USDT", "cancel_only", 1, "it burns")]
    ((actor, action),) = fetch_rows(dsn, "SELECT actor, action FROM audit_log")
    assert (actor.partition(":")[0], action) == ("cli", "kill_on")
    off = ["kill", "off", "--scope=symbol", "--id=BTC/USDT", "--comment=it is out", "--yes"]
    result = release(parser().parse_args(off))
    assert (result["on"], result["kill_ids"], result["through"]) == (False, [1], "database")
    assert fetch_rows(dsn, "SELECT is_on, release_comment FROM kill_switches") == [(0, "it is out")]
    assert release(parser().parse_args(off))["kill_ids"] == []


@pytest.mark.parametrize(
    "words",
    [
        ["kill", "on", "--scope=account", "--comment=which one"],
        ["kill", "on", "--comment= "],
        ["kill", "on", "--scope=strategy", "--id=x", "--comment=y"],
    ],
)
def test_invalid_activations(dsn: str, words: list[str]) -> None:
    with pytest.raises(CommandFailed) as failed:
        pull(parser().parse_args(words))
    assert failed.value.status == 2
    assert fetch_rows(dsn, "SELECT id FROM kill_switches") == []


def test_a_drill_needs_a_server(dsn: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        pull(parser().parse_args(["kill", "on", "--comment=x", "--drill"]))
    assert failed.value.status == 6
    assert fetch_rows(dsn, "SELECT id FROM kill_switches") == []
