"""Backtests and sweeps over HTTP with strategies of users, executed by the runner's task."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kit.backtests.execution import execute_queued, store_series
from kit.backtests.own_strategies import rise_and_fall, write_strategies
from kit.gateway.in_process import InProcessGateway, now, open_gateway
from oms.adapters.strategy_code.strategy_files import describe_strategies
from oms.config import Settings
from oms.domain.market.market_instrument import MarketInstrument

INSTRUMENT = MarketInstrument(id=0, exchange="binance", symbol="BTC/USDT", base="BTC", quote="USDT")
REQUEST: dict[str, Any] = {
    "strategy": "breakout",
    "params": {"length": 4},
    "exchange": "binance",
    "symbol": "BTC/USDT",
    "timeframe": "1h",
}
LIMITS = {"decision_seconds": 2, "strategy_memory_mb": 1024}


@pytest.fixture
def dsn(tmp_path: Path) -> str:
    """The gateway's database."""
    return f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"


@pytest.fixture
async def gateway(dsn: str) -> AsyncIterator[InProcessGateway]:
    """A gateway whose worker is not started."""
    settings = Settings.model_validate({"access_cache_seconds": 0})
    async with open_gateway(dsn, settings) as gateway:
        yield gateway


@pytest.fixture
async def folder(gateway: InProcessGateway, tmp_path: Path) -> Path:
    """A folder of strategies that the gateway has loaded, and candles that it has stored."""
    path = write_strategies(tmp_path / "strategies")
    await store_series(gateway.store, rise_and_fall(), INSTRUMENT)
    await gateway.store.strategy_catalog.replace(describe_strategies(path), now())
    return path


async def _run(
    gateway: InProcessGateway, dsn: str, folder: Path, path: str = "/backtests", **changes: object
) -> dict[str, Any]:
    """Request a backtest and execute it; returns it."""
    response = await gateway.client("POST", path, REQUEST | changes)
    assert response.status == 202, response.body
    await execute_queued(gateway.store, dsn, strategies=folder, runner=LIMITS)
    return dict(await gateway.client.get(f"/backtests/{response.json()['run_id']}"))


async def test_a_run_is_stored_with_its_version(
    gateway: InProcessGateway, dsn: str, folder: Path
) -> None:
    body = await _run(gateway, dsn, folder)
    assert (body["status"], body["error"]) == ("done", None)
    trades = await gateway.client.get(f"/backtests/{body['run_id']}/trades")
    assert trades["items"][0]["price"] == "102.051"
    assert body["total_trades"] == 3
    equity = await gateway.client.get(f"/backtests/{body['run_id']}/equity")
    assert len(equity["items"]) == len(rise_and_fall())
    versions = [
        each for each in await gateway.store.strategy_versions.known() if each.name == "breakout"
    ]
    assert [(each.version, each.checked_at is not None) for each in versions] == [("1", True)]


async def test_runs_end_with_the_reason_of_their_strategy_alone(
    gateway: InProcessGateway, dsn: str, folder: Path
) -> None:
    reasons = {
        "loops": "strategy_timeout: a decision took longer than 2 s",
        "allocates": "strategy_memory: it needs more memory than it may use",
        "raises": "strategy_error: ZeroDivisionError: division by zero",
    }
    ids = {}
    for strategy in reasons:
        request = REQUEST | {"strategy": strategy, "params": {}}
        ids[strategy] = (await gateway.client("POST", "/backtests", request)).json()["run_id"]
    last = await _run(gateway, dsn, folder)
    assert last["status"] == "done"
    for strategy, reason in reasons.items():
        body = await gateway.client.get(f"/backtests/{ids[strategy]}")
        assert body["status"] == "failed"
        assert body["error"].startswith(reason)
        assert "failing.py" in body["error"] and f"in {strategy}" in body["error"]


async def test_a_sweep_has_a_row_for_each_combination(
    gateway: InProcessGateway, dsn: str, folder: Path
) -> None:
    body = await _run(gateway, dsn, folder, "/backtests/sweep", params={}, grid={"length": [4, 9]})
    assert (body["status"], body["sweep"]["combinations"], body["sweep"]["failed"]) == (
        "done",
        2,
        0,
    )
    rows = (await gateway.client.get(f"/backtests/{body['run_id']}/combinations"))["items"]
    single = await _run(gateway, dsn, folder)
    (row,) = [each for each in rows if each["params"] == {"length": "4"}]
    assert row["final_balance"] == single["final_balance"]
    assert body["hashes"]["data"] == single["hashes"]["data"]

    failing = {"strategy": "raises", "params": {}, "grid": {"number": [0, 1]}}
    body = await _run(gateway, dsn, folder, "/backtests/sweep", **failing)
    assert (body["status"], body["sweep"]["failed"]) == ("done", 1)
    rows = (await gateway.client.get(f"/backtests/{body['run_id']}/combinations"))["items"]
    assert "division by zero" in rows[-1]["error"]


async def test_changed_code_is_not_run_under_the_version_that_was_requested(
    gateway: InProcessGateway, dsn: str, folder: Path
) -> None:
    assert (await _run(gateway, dsn, folder))["status"] == "done"
    file = folder / "breakout.py"
    file.write_text(file.read_text().replace("close < min(closes)", "close <= min(closes)"))
    body = await _run(gateway, dsn, folder)
    assert body["status"] == "failed"
    assert "the code of strategy breakout has changed since its version 1" in body["error"]
    # A new version that the gateway has not loaded is not the one that was requested either.
    file.write_text(file.read_text().replace('version="1"', 'version="2"'))
    body = await _run(gateway, dsn, folder)
    assert "breakout has changed since the backtest was requested" in body["error"]
    await gateway.store.strategy_catalog.replace(describe_strategies(folder), now())
    body = await _run(gateway, dsn, folder)
    assert (body["status"], body["version"]) == ("done", "2")


@pytest.mark.parametrize(
    ("path", "changes", "status", "reason"),
    [
        ("/backtests", {"params": {"size": 4}}, 422, None),
        ("/backtests", {"version": "7"}, 404, "unknown_version"),
        ("/backtests", {"strategy": "none"}, 404, "unknown_strategy"),
        ("/backtests/sweep", {"grid": {"size": [1]}, "params": {}}, 422, None),
    ],
)
async def test_bad_requests_are_refused(
    gateway: InProcessGateway,
    folder: Path,
    path: str,
    changes: dict[str, Any],
    status: int,
    reason: str | None,
) -> None:
    response = await gateway.client("POST", path, REQUEST | changes)
    assert (response.status, response.json()["detail"]["reason"]) == (status, reason)
