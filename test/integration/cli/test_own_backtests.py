"""``oms backtest`` with strategies of users: they run in processes with limits."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kit.backtests.execution import execute_queued, store_series
from kit.backtests.own_strategies import csv_text, rise_and_fall, write_strategies
from kit.gateway.in_process import now, open_gateway
from oms.adapters.strategy_code.strategy_files import describe_strategies, load_strategies
from oms.backtest.result import CurvePoint
from oms.backtest.settings import BacktestSettings, contract_of
from oms.cli.main import main
from oms.cli.research.backtest import describe
from oms.config import Settings
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.services.backtests.run_backtest import BacktestRequest, finished, run_backtest
from oms.wire.backtests.result_json import curve_json

INSTRUMENT = MarketInstrument(id=0, exchange="binance", symbol="BTC/USDT", base="BTC", quote="USDT")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of strategies beside a file of candles."""
    path = tmp_path_factory.mktemp("own")
    (path / "prices.csv").write_text(csv_text(rise_and_fall()), encoding="utf-8")
    return write_strategies(path / "strategies")


@pytest.fixture(autouse=True)
def _limits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_STRATEGIES", str(folder))
    monkeypatch.setenv("OMS_RUNNER_DECISION_SECONDS", "2")
    monkeypatch.setenv("OMS_RUNNER_STRATEGY_MEMORY_MB", "1024")


def _flags(folder: Path, strategy: str) -> list[str]:
    prices = str(folder.parent / "prices.csv")
    return ["--csv", prices, "--timeframe", "1h", "--strategy", strategy, "--json"]


def _fail(capsys: pytest.CaptureFixture[str], *command: str) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as raised:
        main([*command])
    return raised.value.code, capsys.readouterr().err


def test_a_run_in_its_process_is_the_run_in_this_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["backtest", "run", *_flags(folder, "breakout"), "--param", "length=4"])
    answer = json.loads(capsys.readouterr().out)

    strategies, _ = load_strategies(folder)
    (definition,) = [x.definition for x in strategies if x.definition.name == "breakout"]
    settings = BacktestSettings(instrument=contract_of("BTC/USDT"), timeframe=Timeframe.HOUR)
    request = BacktestRequest(definition=definition, parameters={"length": "4"}, settings=settings)
    points: list[CurvePoint] = []
    run = finished(run_backtest(request, rise_and_fall(), points.append))
    expected = {**describe(run), "equity_curve": curve_json(points)}
    assert answer == json.loads(json.dumps(expected))
    # The first close above all four before it is 101, executed at the open of 102.
    assert answer["trades"][0]["price"] == "102.051"
    assert answer["total_trades"] == 3


def test_a_sweep_in_processes_has_the_figures_of_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = ["--grid", "length=4,5,9", "--param", "stop_pct=3"]
    main(["backtest", "sweep", *_flags(folder, "breakout"), *grid, "--workers", "2"])
    rows = json.loads(capsys.readouterr().out)["items"]
    assert len(rows) == 3
    params = ("--param", "length=9", "--param", "stop_pct=3", "--no-curve")
    main(["backtest", "run", *_flags(folder, "breakout"), *params])
    run = json.loads(capsys.readouterr().out)
    (row,) = [each for each in rows if each["params"]["length"] == "9"]
    assert {name: run[name] for name in row if name in run and name != "params"} == {
        name: row[name] for name in row if name in run and name != "params"
    }


def test_a_combination_that_fails_is_a_row_and_ends_no_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = ["--grid", "number=1,0,2", "--workers", "1"]
    main(["backtest", "sweep", *_flags(folder, "raises"), *grid])
    rows = {each["params"]["number"]: each for each in json.loads(capsys.readouterr().out)["items"]}
    assert rows["0"]["error"] is None and rows["0"]["total_trades"] == 1
    for number in ("1", "2"):
        assert "strategy_error: ZeroDivisionError: division by zero" in rows[number]["error"]
        assert "failing.py" in rows[number]["error"]


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        ("loops", "strategy_timeout: a decision took longer than 2 s"),
        ("allocates", "strategy_memory: it needs more memory than it may use"),
        ("raises", "strategy_error: ZeroDivisionError: division by zero"),
    ],
)
def test_a_run_that_fails_says_where(
    folder: Path, capsys: pytest.CaptureFixture[str], strategy: str, reason: str
) -> None:
    status, error = _fail(capsys, "backtest", "run", *_flags(folder, strategy))
    assert status == 1
    assert reason in error and f"in {strategy}" in error


def test_a_strategy_on_data_frames_runs_and_one_that_looks_ahead_does_not(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["backtest", "run", *_flags(folder, "rsi_signals"), "--param", "period=4"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["total_trades"] > 0
    assert len(answer["equity_curve"]) == len(rise_and_fall())
    assert answer["hashes"]["data"]
    ahead = tmp_path / "ahead.py"
    lines = [
        "class Ahead:",
        "    def generate_signals(self, data):",
        '        return (data["close"].shift(-1) > data["close"]).astype(int) * 2 - 1',
    ]
    ahead.write_text("\n".join(lines), encoding="utf-8")
    command = ["backtest", "run", *_flags(folder, "ahead"), "--strategies", str(ahead)]
    status, error = _fail(capsys, *command)
    assert (status, "the strategy uses later candles" in error) == (2, True)


def test_a_replay_of_an_own_strategy_has_the_deals_of_its_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["backtest", "replay", *_flags(folder, "breakout"), "--param", "length=4"])
    answer = json.loads(capsys.readouterr().out)
    assert (answer["strategy"], answer["deals"], answer["difference"]) == ("breakout", 6, None)


def test_strategies_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["backtest", "strategies", "--json"])
    items = json.loads(capsys.readouterr().out)["items"]
    names = [each["name"] for each in items]
    own = ["breakout", "loops", "allocates", "raises", "rsi_signals"]
    assert names == ["hma_sma", "sma_cross", "rsi", *own]
    assert items[1]["params"] == {"fast": 20, "slow": 50}
    (folder / "broken.py").write_text("import no_such_module", encoding="utf-8")
    try:
        status, error = _fail(capsys, "backtest", "strategies", "--json")
    finally:
        (folder / "broken.py").unlink()
    assert (status, "broken.py, line 1: ModuleNotFoundError" in error) == (2, True)


def test_a_stored_run_is_replayed_by_its_id(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a built-in and of an own strategy; a run that is not done is refused."""
    dsn = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    monkeypatch.setenv("OMS_DATABASE_URL", dsn)
    ids = asyncio.run(_store_runs(dsn, folder))
    deals = []
    for run_id in ids[:2]:
        capsys.readouterr()
        main(["backtest", "replay", str(run_id), "--json"])
        answer = json.loads(capsys.readouterr().out)
        assert (answer["ok"], answer["difference"]) == (True, None)
        deals.append((answer["strategy"], answer["deals"]))
    assert deals == [("sma_cross", 6), ("breakout", 6)]
    status, error = _fail(capsys, "backtest", "replay", str(ids[2]), "--json")
    assert (status, "only runs that are done are replayed" in error) == (2, True)
    status, error = _fail(capsys, "backtest", "replay", "987654", "--json")
    assert (status, "there is no backtest 987654" in error) == (4, True)


async def _store_runs(dsn: str, folder: Path) -> list[int]:
    """Execute two runs and request a third one; returns their ids."""
    settings = Settings.model_validate({"access_cache_seconds": 0})
    async with open_gateway(dsn, settings) as gateway:
        await store_series(gateway.store, rise_and_fall(), INSTRUMENT)
        await gateway.store.strategy_catalog.replace(describe_strategies(folder), now())
        ids = []
        for strategy, params in (
            ("sma_cross", {"fast": 2, "slow": 4}),
            ("breakout", {"length": 4}),
            ("rsi", {}),
        ):
            request = {
                "strategy": strategy,
                "params": params,
                "exchange": "binance",
                "symbol": "BTC/USDT",
                "timeframe": "1h",
            }
            response = await gateway.client("POST", "/backtests", request)
            assert response.status == 202, response.body
            ids.append(int(response.json()["run_id"]))
            if strategy != "rsi":
                await execute_queued(gateway.store, dsn, strategies=folder)
    return ids
