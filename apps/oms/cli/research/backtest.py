"""``oms backtest run``: a strategy on the candles of a file or of the database; no server."""

import argparse
from typing import TYPE_CHECKING, Any

from oms.backtest.result import CurvePoint
from oms.cli.output import build_table
from oms.cli.research.backtest_input import (
    failure,
    read_parameters,
    read_request,
    write_text,
)
from oms.cli.research.candle_input import candle_input
from oms.cli.research.execute_backtest import execute, in_process
from oms.domain.errors import Invalid, OmsError
from oms.ports.research.strategy_process import StrategyProcess
from oms.services.backtests.finished_run import FinishedRun
from oms.strategies.description import LoadedCatalog, StrategyDescription
from oms.wire.backtests.report_html import report_html
from oms.wire.backtests.result_json import (
    curve_json,
    round_trips_json,
    settings_json,
    trades_json,
)
from oms.wire.strategies.parameters_json import parameters_json

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Rows of the tables on a terminal.
TRIPS_SHOWN = 10
_SHOWN = (
    *("total_return", "total_return_pct", "buy_and_hold_return_pct", "max_drawdown"),
    *("sharpe_ratio", "sortino_ratio", "cagr_pct", "total_trades", "win_rate"),
    *("profit_factor", "expectancy", "fees_paid", "exposure_pct"),
)
_TRIP_COLUMNS = (
    *("number", "side", "entry_time", "entry_price", "exit_time", "exit_price", "qty"),
    *("pnl", "pnl_pct", "exit_reason"),
)


def run(parsed: argparse.Namespace) -> Any:
    """Run a backtest; returns its figures, round trips, executions and curve."""
    points: list[CurvePoint] = []
    keeps_curve = not parsed.no_curve or parsed.html
    load, instrument = candle_input(parsed)
    request = read_request(parsed, read_parameters(parsed.param), instrument)
    try:
        done = execute(parsed, request, load(), points.append if keeps_curve else None)
    except OmsError as error:
        raise failure(error) from None
    answer = describe(done)
    if parsed.html:
        page = report_html(answer, points)
        write_text(parsed.html, page)
        answer["html"] = parsed.html
    if not parsed.no_curve:
        answer["equity_curve"] = curve_json(points)
    return answer


def list_strategies(parsed: argparse.Namespace) -> Any:
    """Return the built-in strategies and those of the flag, with their parameters."""
    try:
        catalog = in_process(parsed, _load_catalog)
    except OmsError as error:
        raise failure(error) from None
    if catalog.errors:
        raise failure(Invalid(catalog.errors[0].message))
    return {"items": [_strategy_row(each) for each in catalog.strategies]}


async def _load_catalog(process: StrategyProcess) -> LoadedCatalog:
    return await process.load_catalog()


def _strategy_row(strategy: StrategyDescription) -> dict[str, Any]:
    defaults = {each.name: each.default for each in strategy.parameters}
    return {
        "name": strategy.name,
        "version": strategy.version,
        "timeframe": None if strategy.base is None else strategy.base.value,
        "params": parameters_json(defaults),
        "summary": strategy.summary,
    }


def describe(done: FinishedRun) -> dict[str, Any]:
    """Return a run as JSON, without its curve."""
    settings = done.settings
    return {
        "ok": True,
        "strategy": done.strategy,
        "version": done.version,
        "params": parameters_json(done.parameters),
        "settings": settings_json(settings),
        "hashes": {"params": done.params_hash, "data": done.data_hash},
        **done.figures,
        "round_trips": round_trips_json(done.round_trips),
        "trades": trades_json(done.executions, settings.instrument.symbol),
    }


def build_run_view(parsed: argparse.Namespace, answer: dict[str, Any]) -> "RenderableType":
    """Return the figures and the last round trips for a terminal."""
    from rich.console import Group
    from rich.text import Text

    title = f"{answer['strategy']} {answer['settings']['symbol']} {answer['settings']['timeframe']}"
    span = f"{answer['first_at']} to {answer['last_at']}, {answer['bars']} candles"
    figures = [
        {"figure": name, "value": _figure(answer[name])}
        for name in _SHOWN
        if answer[name] is not None
    ]
    views: list[RenderableType] = [Text(f"{title}: {span}"), build_table(figures)]
    if trips := answer["round_trips"][-TRIPS_SHOWN:]:
        views.append(Text(f"last {len(trips)} of {answer['total_trades']} round trips"))
        views.append(
            build_table([{name: _figure(row[name]) for name in _TRIP_COLUMNS} for row in trips])
        )
    notes = []
    if not answer["warmup_ok"]:
        notes.append("the data has too few candles before the start: indicators were not complete")
    if answer["data_gaps"]:
        notes.append(f"{len(answer['data_gaps'])} gaps in the data")
    if answer["refused"] or answer["skipped_min"]:
        notes.append(f"{len(answer['refused']) + answer['skipped_min']} entries were not made")
    return Group(*views, *(Text(f"note: {note}", style="yellow") for note in notes))


def _figure(number: Any) -> Any:
    """Return a figure with at most six significant decimals."""
    if isinstance(number, float):
        return f"{number:.4f}"
    whole, point, places = number.partition(".") if isinstance(number, str) else (number, "", "")
    return f"{whole}.{places[:4]}" if point and places[:10].isdigit() else number
