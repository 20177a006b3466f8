"""Rebuild of the books from facts: equal for a healthy ledger, differences reported, read-only."""

import json
import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kit.databases.schema import create_schema
from kit.databases.sql import dsn_of
from kit.gateway.in_process import InProcessGateway, now, open_gateway
from kit.ledger.histories import random_history
from kit.ledger.stored_history import store_history
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.cli.main import main
from oms.cli.output import render_text
from oms.cli.replay import build_replay_report, build_tables
from oms.config import Settings

HISTORIES = 30


async def answered(dsn: str, account_id: int, **narrowed: Any) -> dict[str, Any]:
    """What ``oms replay`` answers."""
    store = await SqlStore.open(dsn, check_account)
    try:
        return await build_replay_report(store, account_id, **narrowed)
    finally:
        await store.close()


async def test_healthy_ledger_equals_its_rebuild(damaged: Any) -> None:
    for mode, account_id in damaged.accounts.items():
        answer = await answered(dsn_of(damaged.path), account_id)
        assert (answer["ok"], answer["compared"], answer["differences"]) == (True, True, []), mode
        text = "SELECT COUNT(*) FROM {} WHERE account_id = ?"
        for name in ("orders", "deals", "positions"):
            (rows,) = damaged.one(text.format(f"oms_{name}"), account_id)
            assert len(answer[name]) == rows > 0


async def test_healthy_ledger_equals_its_rebuild_on_mariadb(damaged_server: Any) -> None:
    for mode, account_id in damaged_server.accounts.items():
        answer = await answered(damaged_server.dsn, account_id)
        assert (answer["ok"], answer["differences"]) == (True, []), mode
        assert answer["positions"]


async def test_replay_of_one_symbol(damaged: Any) -> None:
    account_id = damaged.accounts["hedge"]
    answer = await answered(dsn_of(damaged.path), account_id, symbol="SOL/USDT")
    assert answer["ok"] is True
    for name in ("orders", "deals", "positions"):
        assert {row["symbol"] for row in answer[name]} == {"SOL/USDT"}


DAMAGES = {
    "position qty": ("UPDATE oms_positions SET qty = '9' WHERE id = ?", "position", "qty"),
    "position cost": (
        "UPDATE oms_positions SET cost_exact = '1/7' WHERE id = ?",
        "position",
        "cost",
    ),
    "position gone": ("DELETE FROM oms_positions WHERE id = ?", "position", "id"),
    "deal profit": ("UPDATE oms_deals SET pnl = '9' WHERE id = ?", "deal", "profit"),
    "deal entry": ("UPDATE oms_deals SET entry = 'out' WHERE id = ?", "deal", "entry"),
    "order fills": ("UPDATE oms_orders SET filled_qty = '9' WHERE id = ?", "order", "filled_qty"),
    "order fees": ("UPDATE oms_orders SET fees_json = '{}' WHERE id = ?", "order", "fees"),
}


@pytest.mark.parametrize("name", DAMAGES)
async def test_difference_is_reported_and_nothing_changed(damaged: Any, name: str) -> None:
    statement, entity, field = DAMAGES[name]
    account_id = damaged.accounts["netting"]
    row = damaged.one(
        "SELECT d.position_id AS position, d.id AS deal, d.order_id AS order_id FROM oms_deals d"
        " JOIN oms_positions p ON p.id = d.position_id WHERE d.account_id = ? AND p.state = 'open'"
        " AND d.entry = 'in' AND d.fee_currency IS NOT NULL ORDER BY d.id",
        account_id,
    )
    row_id = row[("position", "deal", "order").index(entity)]
    damaged.do(statement, row_id)
    before = list(damaged.connection.iterdump())
    answer = await answered(dsn_of(damaged.path), account_id)
    assert answer["ok"] is False
    assert (entity, row_id, field) in {
        (each["entity"], each["id"], each["field"]) for each in answer["differences"]
    }
    assert f"{row_id}" in render_text(build_tables(answer))
    assert list(damaged.connection.iterdump()) == before


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """An empty store with three strategies."""
    dsn = dsn_of(tmp_path / "histories.sqlite3")
    await create_schema(dsn)
    store = await SqlStore.open(dsn, check_account)
    yield store
    await store.close()


async def test_random_histories_equal_their_rebuild(store: SqlStore) -> None:
    for seed in range(100, 100 + HISTORIES):
        one = random_history(seed)
        account_id, _ = await store_history(store, one)
        answer = await build_replay_report(store, account_id)
        assert answer["differences"] == [], seed


async def test_rebuild_up_to_a_past_time(tmp_path: Path, trading: Any) -> None:
    dsn = dsn_of(tmp_path / "oms.sqlite3")
    async with open_gateway(dsn, Settings()) as gateway:
        accounts = await trading.three_accounts(gateway, dsn)
        gateway.start_worker()
        chance = random.Random(5)
        for _ in range(4):
            await trading.a_round(gateway, accounts, chance)
        then, stood = now(), {i: await _positions(gateway, i) for i in accounts.values()}
        for _ in range(4):
            await trading.a_round(gateway, accounts, chance)
    for account_id, rows in stood.items():
        answer = await answered(dsn, account_id, until=then)
        assert (answer["ok"], answer["compared"]) == (True, False)
        rebuilt = {row["id"]: row for row in answer["positions"]}
        assert {i: _numbers(row) for i, row in rebuilt.items()} == rows
        assert rows != await _now(dsn, account_id), "something has happened since"


async def _positions(gateway: InProcessGateway, account_id: int) -> dict[int, Any]:
    answer = await build_replay_report(gateway.store, account_id)
    assert answer["ok"] is True
    return {row["id"]: _numbers(row) for row in answer["positions"]}


async def _now(dsn: str, account_id: int) -> dict[int, Any]:
    answer = await answered(dsn, account_id)
    return {row["id"]: _numbers(row) for row in answer["positions"]}


def _numbers(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("side", "qty", "avg_price", "state", "realized_pnl", "qty_opened", "closed_at")
    return tuple(row[name] for name in names)


def _ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["replay", *arguments])
    return int(ended.value.code or 0)


def test_replay_command(
    damaged: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OMS_DATABASE_URL", dsn_of(damaged.path))
    account_id = str(damaged.accounts["netting"])
    main(["replay", "--account-id", account_id, "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is True
    file = tmp_path / "books.json"
    main(["replay", "--account-id", account_id, "--write-to", str(file), "--symbol", "SOL/USDT"])
    printed, written = json.loads(capsys.readouterr().out), json.loads(file.read_text("utf-8"))
    assert printed["file"] == str(file)
    assert printed["deals"] == len(written["deals"]) > 0
    assert _ran("--account-id", "987654") == 4
    assert _ran("--account-id", account_id, "--until", "yesterday") == 2
    damaged.do("UPDATE oms_deals SET pnl = '9' WHERE account_id = ?", account_id)
    assert _ran("--account-id", account_id) == 1
    capsys.readouterr()
    main(["replay", "--account-id", account_id, "--until", "2026-01-01"])
    past = json.loads(capsys.readouterr().out)
    assert (past["ok"], past["compared"], past["deals"]) == (True, False, [])
