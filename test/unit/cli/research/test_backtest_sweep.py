"""``oms backtest sweep`` on real processes."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from oms.cli.main import main, parser
from oms.cli.output import render_text
from oms.cli.research.backtest_sweep import build_sweep_view

GRID = ("--strategy", "sma_cross", "--grid", "fast=2:6:2", "--grid", "slow=4,8,12")


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a file with 400 candles of a random walk."""
    path = tmp_path_factory.mktemp("prices") / "prices.csv"
    walk, price, lines = random.Random(5), 1000, ["timestamp,open,high,low,close,volume"]
    for number in range(400):
        following = max(100, price + walk.randint(-20, 20))
        high, low = max(price, following), min(price, following)
        lines.append(f"{1704067200 + 3600 * number},{price},{high},{low},{following},1")
        price = following
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def _sweep(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    main(["backtest", "sweep", "--timeframe", "1h", *arguments, "--json"])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_rows_do_not_depend_on_the_number_of_processes(
    prices: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "1.csv", tmp_path / "3.csv"]
    answers = [
        _sweep(
            capsys, "--csv", prices, *GRID, "--workers", file.stem, "--out", str(file), "--sort",
            "total_return_pct",
        )
        for file in files
    ]  # fmt: skip

    assert answers[0] == answers[1]
    assert files[0].read_bytes() == files[1].read_bytes()
    answer = answers[0]
    assert (answer["combinations"], answer["done"], answer["failed"]) == (9, 9, 2)
    returns = [row.get("total_return_pct") for row in answer["items"]]
    assert returns[:7] == sorted(returns[:7], reverse=True) and returns[7:] == [None, None]
    lines = files[0].read_text().splitlines()
    assert lines[0].startswith("fast,slow,total_return_pct,sharpe_ratio")
    assert len(lines) == 10 and "must be less than slow" in lines[-1]


def test_a_row_is_the_run_of_its_parameters(
    prices: str, capsys: pytest.CaptureFixture[str]
) -> None:
    best = _sweep(capsys, "--csv", prices, *GRID, "--where", "fast<slow")["items"][0]
    flags = [f"--param={name}={number}" for name, number in best["params"].items()]
    flags += ["--csv", prices, "--timeframe", "1h", "--strategy", "sma_cross"]
    main(["backtest", "run", *flags, "--no-curve", "--json"])
    run = json.loads(capsys.readouterr().out)

    assert {name: run[name] for name in best if name in run} == {
        name: best[name] for name in best if name in run and name != "params"
    } | {"params": run["params"]}
    assert "final_balance" in best


def test_folds_and_their_table(prices: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--csv", prices, *GRID, "--folds", "2", "--workers", "2", "--where", "fast<slow"]
    answer = _sweep(capsys, *arguments)
    parsed = parser().parse_args(["backtest", "sweep", "--timeframe", "1h", *arguments])
    text = render_text(build_sweep_view(parsed, answer))

    assert len(answer["folds"]) == 2
    assert answer["folds"][0]["end"] == answer["folds"][1]["start"]
    assert f"return of the unseen parts: {answer['unseen_return_pct']:.4f} %" in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--grid", "quick=1,2"), "no parameter 'quick'"),
        (("--grid", "fast=1:x:2"), "'x' is no number"),
        (("--grid", "fast=1,2", "--param", "fast=3"), "fast is a parameter of the grid and fixed"),
        (("--grid", "fast=1,2", "--folds", "0"), "folds 0 must be within 1 to 50"),
    ],
)
def test_bad_input_is_one_clear_line(
    prices: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], text: str
) -> None:
    with pytest.raises(SystemExit) as raised:
        _sweep(capsys, "--csv", prices, "--strategy", "sma_cross", *arguments)

    error = capsys.readouterr().err
    assert (raised.value.code, error.count("\n")) == (2, 1)
    assert text in error
