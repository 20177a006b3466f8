"""``oms backtest run`` on files."""

import json
from pathlib import Path
from typing import Any

import pytest

from kit.backtests.candles import candles_of
from oms.cli.main import main, parser
from oms.cli.output import render_text
from oms.cli.parsers.backtest_parser import SORTABLE, TIMEFRAMES
from oms.cli.research.backtest import build_run_view
from oms.domain.market.timeframe import Timeframe
from oms.wire.backtests import run_figures

OPENS = ["100", "100", "101", "99", "98", "99", "103", "104", "106", "105", "100", "98"]
HIGHS = ["101", "102", "101", "99", "100", "103", "105", "107", "107", "105", "102", "99"]
LOWS = ["99", "99", "98", "97", "97", "98", "101", "103", "104", "100", "97", "96"]
CLOSES = ["100", "101", "99", "98", "99", "102", "104", "106", "105", "101", "98", "97"]
STRATEGY = ("--strategy", "sma_cross", "--param", "fast=2", "--param", "slow=4")


@pytest.fixture
def prices(tmp_path: Path) -> str:
    """Return the file with the published candles."""
    path = tmp_path / "prices.csv"
    rows = zip(OPENS, HIGHS, LOWS, CLOSES, strict=True)
    lines = ["timestamp,open,high,low,close,volume"]
    for candle, row in zip(candles_of([*rows]), range(12), strict=True):
        prices = f"{candle.open},{candle.high},{candle.low},{candle.close}"
        lines.append(f"{candle.open_time.isoformat()},{prices},{row + 1}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    main(["backtest", "run", *arguments, "--json"])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def _fail(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as raised:
        main(["backtest", "run", *arguments, "--json"])
    assert isinstance(raised.value.code, int)
    return raised.value.code, capsys.readouterr().err


def test_the_published_run(prices: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = _run(capsys, "--csv", prices, "--timeframe", "1h", *STRATEGY)

    assert answer["final_balance"] == "9695.215881063790435"
    assert answer["total_return"] == "-304.784118936209565"
    assert (answer["total_trades"], answer["winning_trades"], answer["win_rate"]) == (1, 0, 0.0)
    assert f"{answer['total_return_pct']:.9f}" == "-3.047841189"
    assert f"{answer['max_drawdown']:.9f}" == "5.527225119"
    assert f"{answer['sharpe_ratio']:.9f}" == "-18.869219808"
    assert f"{answer['sortino_ratio']:.9f}" == "-21.746714548"
    buy, sell = answer["trades"]
    assert (buy["timestamp"], buy["quantity"]) == ("2024-01-01T06:00:00Z", "92.23300971")
    assert (sell["price"], sell["reason"]) == ("99.95", "signal")
    assert [each["total_equity"][:13] for each in answer["equity_curve"][5:8]] == [
        "10000",
        "10077.9782597",
        "10262.4442791",
    ]
    assert answer["metrics"]["total_buy_trades"] == 1


def test_a_report_is_written(
    prices: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html = tmp_path / "report.html"
    answer = _run(
        capsys, "--csv", prices, "--timeframe", "1h", *STRATEGY, "--html", str(html), "--no-curve"
    )

    assert answer["html"] == str(html)
    assert "equity_curve" not in answer
    assert "Backtest: sma_cross on BTC/USDT 1h" in html.read_text()


def test_a_terminal_shows_figures_and_round_trips(
    prices: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--csv", prices, "--timeframe", "1h", *STRATEGY]
    answer = _run(capsys, *arguments)
    text = render_text(build_run_view(parser().parse_args(["backtest", "run", *arguments]), answer))

    assert "sma_cross BTC/USDT 1h: 2024-01-01T00:00:00Z to 2024-01-01T11:00:00Z, 12 candles" in text
    assert "-304.7841" in text and "103.0515" in text
    assert "note: the data has too few candles before the start" in text


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("--strategy", "sma"), 4, "no strategy 'sma'; there are hma_sma, sma_cross, rsi"),
        ((*STRATEGY, "--param", "fast=3"), 2, "NAME=VALUE, each name once"),
        (("--strategy", "rsi", "--param", "length=3"), 2, "has no parameter 'length'"),
        ((*STRATEGY, "--commission", "1,5"), 2, "--commission '1,5': not a decimal number"),
        ((*STRATEGY, "--commission", "1.5"), 2, "commission 1.5 must be below 1"),
        ((*STRATEGY, "--start", "soon"), 2, "--start 'soon': a date or an RFC 3339 time"),
        ((*STRATEGY, "--start", "2025-01-01"), 2, "no candle lies between start and end"),
        ((*STRATEGY, "--html", "/nowhere/report.html"), 2, "/nowhere/report.html"),
    ],
)
def test_bad_input_is_one_clear_line(
    prices: str,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    status: int,
    text: str,
) -> None:
    code, error = _fail(capsys, "--csv", prices, "--timeframe", "1h", *arguments)

    assert (code, error.count("\n")) == (status, 1)
    assert text in error


def test_a_file_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, error = _fail(capsys, "--csv", str(tmp_path / "none.csv"), "--timeframe", "1h", *STRATEGY)
    assert code == 2 and "none.csv" in error
    (tmp_path / "bad.csv").write_text("time,open\n")
    code, error = _fail(capsys, "--csv", str(tmp_path / "bad.csv"), "--timeframe", "1h", *STRATEGY)
    assert code == 2 and "line 1: no column high" in error


def test_choices_are_those_of_the_code() -> None:
    assert tuple(each.value for each in Timeframe) == TIMEFRAMES
    assert run_figures.SORTABLE == SORTABLE
