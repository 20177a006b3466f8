"""``oms backtest list``, ``show``, ``report`` and ``compare``: stored backtests."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oms.cli.network import request
from oms.cli.output import build_table
from oms.cli.research.backtest_input import write_text

if TYPE_CHECKING:
    from rich.console import RenderableType

_FILTERS = ("kind", "status", "strategy", "exchange", "symbol", "timeframe", "sort", "order")
_COLUMNS = (
    *("run_id", "status", "strategy", "symbol", "timeframe", "total_return_pct"),
    *("max_drawdown", "sharpe_ratio", "total_trades"),
)
_FIGURES = (
    *("status", "total_return", "total_return_pct", "buy_and_hold_return_pct", "max_drawdown"),
    *("sharpe_ratio", "sortino_ratio", "cagr_pct", "total_trades", "win_rate"),
    *("profit_factor", "expectancy", "fees_paid", "exposure_pct", "error"),
)


def list_backtests(parsed: argparse.Namespace) -> Any:
    """Return stored backtests, the newest or the best first."""
    query = {name: getattr(parsed, name) for name in (*_FILTERS, "limit", "cursor")}
    present = {name: text for name, text in query.items() if text is not None}
    return request(parsed, "GET", "/backtests", present)


def show(parsed: argparse.Namespace) -> Any:
    """Return a stored backtest with its figures."""
    return request(parsed, "GET", f"/backtests/{parsed.run_id}", {})


def report(parsed: argparse.Namespace) -> Any:
    """Write the report of a stored backtest to a file."""
    page = request(parsed, "GET", f"/backtests/{parsed.run_id}/report", {})
    write_text(parsed.html, page)
    return {"ok": True, "run_id": parsed.run_id, "html": parsed.html}


def compare(parsed: argparse.Namespace) -> Any:
    """Return stored backtests side by side."""
    ids = ",".join(str(each) for each in parsed.run_ids)
    return request(parsed, "GET", "/backtests/compare", {"ids": ids})


def build_list_view(parsed: argparse.Namespace, answer: Mapping[str, Any]) -> "RenderableType":
    """Return backtests as a table."""
    del parsed
    return build_table([{name: row[name] for name in _COLUMNS} for row in answer["items"]])


def build_show_view(parsed: argparse.Namespace, answer: Mapping[str, Any]) -> "RenderableType":
    """Return the figures of a backtest as a table."""
    del parsed
    named = [(name, answer[name]) for name in _FIGURES]
    return build_table(
        [{"figure": name, "value": each} for name, each in named if each is not None]
    )


def build_compare_view(parsed: argparse.Namespace, answer: Mapping[str, Any]) -> "RenderableType":
    """Return differing inputs and figures, with a column for each backtest."""
    del parsed
    runs = answer["items"]
    rows = [(each["name"], each["values"]) for each in answer["differences"]]
    rows += [(name, [run[name] for run in runs]) for name in _FIGURES if name != "error"]
    heads = [str(run["run_id"]) for run in runs]
    return build_table(
        [{"": name, **dict(zip(heads, values, strict=True))} for name, values in rows]
    )
