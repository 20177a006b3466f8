"""Strategies of Python files: loaded, named, and refused with the line that failed."""

import json
from pathlib import Path

import pytest

from oms.adapters.strategy_code.strategy_files import load_definitions
from oms.cli.main import main
from oms.domain.errors import Invalid
from oms.strategies.catalog import CATALOG, find_strategy

EXAMPLES = Path(__file__).resolve().parents[4] / "examples" / "strategies"


def _write(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_joins_the_built_in_strategies() -> None:
    definitions = load_definitions(EXAMPLES)

    names = [each.name for each in definitions]
    assert names == [*(each.name for each in CATALOG), "breakout"]
    parameters = find_strategy("breakout", definitions).parse({"stop_pct": "2.5"})
    assert {name: str(number) for name, number in parameters.items()} == {
        "length": "20",
        "stop_pct": "2.5",
    }
    assert load_definitions(None) == list(CATALOG)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:", "mine.py, line 1: SyntaxError"),
        ("\n\nimport no_such_module", "mine.py, line 3: ModuleNotFoundError"),
        ("x = 1\ny = x / 0", "mine.py, line 2: ZeroDivisionError"),
        ("", "mine.py has no list STRATEGIES"),
        ("STRATEGIES = []", "mine.py has no list STRATEGIES"),
        ("STRATEGIES = [1]", "mine.py: 1 in STRATEGIES is no StrategyDefinition"),
        (
            "from oms.strategies.catalog import CATALOG\nSTRATEGIES = CATALOG[:1]",
            "mine.py: there is another strategy 'hma_sma'",
        ),
    ],
)
def test_a_file_that_fails_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, text)
    for each in (path, tmp_path):
        with pytest.raises(Invalid, match=message):
            load_definitions(each)


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="there is no file or folder"):
        load_definitions(tmp_path / "none")


@pytest.fixture
def prices(tmp_path: Path) -> str:
    """Return a file with a rise and a fall."""
    closes = [100] * 5 + [*range(101, 120)] + [*range(119, 90, -2)]
    lines = [f"{1704067200 + 3600 * n},{p},{p},{p},{p},1" for n, p in enumerate(closes)]
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(["time,open,high,low,close,volume", *lines]), encoding="utf-8")
    return str(path)


def test_an_own_strategy_runs_in_this_process_and_in_others(
    prices: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_STRATEGIES", str(EXAMPLES))
    data = ["--csv", prices, "--timeframe", "1h", "--strategy", "breakout", "--json"]
    main(["backtest", "run", *data, "--param", "length=4"])
    run = json.loads(capsys.readouterr().out)
    main(["backtest", "sweep", *data, "--grid", "length=4,5", "--workers", "2"])
    rows = json.loads(capsys.readouterr().out)["items"]

    # The first close above all four before it is 101, executed at the open of 102.
    assert [each["price"] for each in run["trades"]][:1] == ["102.051"]
    assert run["round_trips"][0]["exit_reason"] == "signal"
    (row,) = [each for each in rows if each["params"] == {"length": "4"}]
    assert row["final_balance"] == run["final_balance"]


def test_strategies_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["backtest", "strategies", "--strategies", str(EXAMPLES), "--json"])
    items = json.loads(capsys.readouterr().out)["items"]

    assert [each["name"] for each in items] == ["hma_sma", "sma_cross", "rsi", "breakout"]
    assert items[1]["params"] == {"fast": 20, "slow": 50}
    assert items[0]["timeframe"] == "5m"
