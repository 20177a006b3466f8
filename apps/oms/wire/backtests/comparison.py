"""A comparison of backtests: what differs, and their equity curves at base 100."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.ports.research.backtest_runs import Row
from oms.wire.backtests.run_rows import BacktestDetails
from oms.wire.json import time_text
from oms.wire.responses.value_types import Id, TimeText

BASE = 100.0
_WHAT = ("strategy", "version", "exchange", "symbol", "timeframe")


class DifferenceRow(TypedDict):
    """An input that is not the same in all runs, in the order of the runs."""

    name: str
    values: list[Any]


class CurvePointRow(TypedDict):
    """The equity as a multiple of the first one, times 100."""

    timestamp: TimeText
    equity: float


class CurveRow(TypedDict):
    """The curve of a run."""

    run_id: Id
    points: list[CurvePointRow]


class ComparisonBody(TypedDict):
    """Backtests side by side."""

    items: list[BacktestDetails]
    differences: Annotated[list[DifferenceRow], Field(description="Inputs that differ.")]
    curves: Annotated[list[CurveRow], Field(description="Equity curves, at base 100.")]


def comparison_body(
    runs: Sequence[BacktestDetails], curves: Mapping[int, Sequence[Row]]
) -> ComparisonBody:
    """Return runs side by side; ``curves`` are their stored points."""
    return {
        "items": [*runs],
        "differences": _differences(runs),
        "curves": [
            {"run_id": run["run_id"], "points": _at_base(curves[run["run_id"]])} for run in runs
        ],
    }


def _differences(runs: Sequence[BacktestDetails]) -> list[DifferenceRow]:
    inputs = [_inputs(run) for run in runs]
    names = dict.fromkeys(name for each in inputs for name in each)
    rows: list[DifferenceRow] = []
    for name in names:
        values = [each.get(name) for each in inputs]
        if any(value != values[0] for value in values):
            rows.append({"name": name, "values": values})
    return rows


def _inputs(run: BacktestDetails) -> dict[str, Any]:
    what: Mapping[str, Any] = run
    params = {f"params.{name}": number for name, number in run["params"].items()}
    settings = {f"settings.{name}": item for name, item in run["settings"].items()}
    hashes = {"hashes.data": run["hashes"]["data"]}
    return {name: what[name] for name in _WHAT} | params | settings | hashes


def _at_base(points: Sequence[Mapping[str, Any]]) -> list[CurvePointRow]:
    if not points or not points[0]["total_equity"]:
        return []
    first = float(points[0]["total_equity"])
    return [
        {
            "timestamp": time_text(point["at"]),
            "equity": round(BASE * float(point["total_equity"]) / first, 9),
        }
        for point in points
    ]
