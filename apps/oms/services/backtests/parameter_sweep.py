"""A parameter sweep: one run for each combination, ranked, and the walk-forward test.

A walk-forward test cuts the candles into equal parts. Parameters are chosen on all parts before one
and judged on that part, which the choice has not used.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from oms.backtest.settings import BacktestSettings
from oms.domain.errors import Invalid, OmsError
from oms.domain.market.candle import Candle
from oms.domain.value import evolve, value
from oms.services.backtests.parameter_grid import Combination
from oms.services.backtests.run_backtest import BacktestRequest, run_strategy
from oms.strategies.catalog import StrategyDefinition
from oms.wire.backtests.result_json import figures_json, time_text
from oms.wire.backtests.run_figures import FOLDS_MAX, SWEEP_FIGURES

_ASCENDING = frozenset({"max_drawdown"})


@value
class SweepTask:
    """One run: the number of its combination, its parameters and its period."""

    number: int
    parameters: Combination
    start: datetime | None
    end: datetime | None


Row = dict[str, Any]
"""``number``, ``params``, ``error`` and ``SWEEP_FIGURES`` of one run; on an error no figures."""

RunTasks = Callable[[Sequence[SweepTask]], Iterable[Row]]
"""Runs tasks and yields their rows in the order of the tasks."""


def run_task(
    definition: StrategyDefinition,
    settings: BacktestSettings,
    candles: Sequence[Candle],
    task: SweepTask,
) -> Row:
    """Run one combination; a failure is a row with its error."""
    row: Row = {"number": task.number, "params": task.parameters, "error": None}
    period = evolve(settings, start=task.start, end=task.end)
    request = BacktestRequest(definition=definition, parameters=task.parameters, settings=period)
    try:
        figures = figures_json(run_strategy(request, candles), period)
    except OmsError as error:
        return row | {"error": error.message}
    return row | {name: figures[name] for name in SWEEP_FIGURES}


@value
class SweepInput:
    """What all runs of a parameter sweep share; the functions are called in each process."""

    find: Callable[[], StrategyDefinition]
    settings: BacktestSettings
    load: Callable[[], Iterable[Candle]]


def prepare_runs(shared: SweepInput) -> Callable[[SweepTask], Row]:
    """Load the candles and return what runs a task on them."""
    return partial(run_task, shared.find(), shared.settings, list(shared.load()))


def rank(rows: Iterable[Row], figure: str) -> list[Row]:
    """Return rows with the best figure first; those without it are last."""
    sign = 1 if figure in _ASCENDING else -1

    def key(row: Row) -> tuple[bool, float, int]:
        number = row.get(figure)
        return number is None, 0.0 if number is None else sign * number, row["number"]

    return sorted(rows, key=key)


def tasks_of(
    combinations: Sequence[Combination], start: datetime | None, end: datetime | None
) -> list[SweepTask]:
    """Return a task for each combination."""
    return [
        SweepTask(number=number, parameters=parameters, start=start, end=end)
        for number, parameters in enumerate(combinations, start=1)
    ]


def fold_bounds(first: datetime, last: datetime, folds: int) -> list[tuple[datetime, datetime]]:
    """Return start and end of the part of each fold: ``folds`` of ``folds + 1`` equal parts.

    Raises ``Invalid`` for a number of folds that the period does not have.
    """
    if not 1 <= folds <= FOLDS_MAX:
        raise Invalid(f"folds {folds} must be within 1 to {FOLDS_MAX}")
    length = (last - first) / (folds + 1)
    if not length:
        raise Invalid("the candles are too few for a walk-forward test")
    edges = [first + number * length for number in range(folds + 1)]
    return list(zip(edges[1:], [*edges[2:], last], strict=True))


def walk_forward(
    run_tasks: RunTasks,
    combinations: Sequence[Combination],
    settings: BacktestSettings,
    bounds: Sequence[tuple[datetime, datetime]],
    figure: str,
) -> list[dict[str, Any]]:
    """Return the rows of the folds: the parameters chosen on the past, and both results."""
    rows = []
    for start, end in bounds:
        past = rank(run_tasks(tasks_of(combinations, settings.start, start)), figure)
        best = past[0]
        if best.get(figure) is None:
            rows.append(_fold(start, end, best, None, figure))
            continue
        (unseen,) = run_tasks(
            [SweepTask(number=best["number"], parameters=best["params"], start=start, end=end)]
        )
        rows.append(_fold(start, end, best, unseen, figure))
    return rows


def compound_returns(folds: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the return in percent of all unseen parts one after the other."""
    product = 1.0
    known = [fold["unseen"]["total_return_pct"] for fold in folds if fold["unseen"]]
    for percent in known:
        product *= 1 + percent / 100
    return 100 * (product - 1) if known else None


def _fold(
    start: datetime, end: datetime, best: Row, unseen: Row | None, figure: str
) -> dict[str, Any]:
    has_result = unseen is not None and unseen["error"] is None
    return {
        "start": time_text(start),
        "end": time_text(end),
        "params": best["params"] if best.get(figure) is not None else None,
        "past": _figures(best),
        "unseen": _figures(unseen) if has_result and unseen is not None else None,
        "error": None if unseen is None else unseen["error"],
    }


def _figures(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in SWEEP_FIGURES if name in row}
