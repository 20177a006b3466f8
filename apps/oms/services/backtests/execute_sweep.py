"""Executes a stored sweep: all combinations of a grid, ranked, or a walk-forward test."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from oms.domain.market.candle import Candle
from oms.ports.research.backtest_runs import BacktestOutcome, BacktestProgress, StoredBacktest
from oms.services.backtests.candle_hash import hash_candles
from oms.services.backtests.parameter_grid import Combination, combinations_of
from oms.services.backtests.parameter_sweep import (
    Row,
    RunTasks,
    SweepTask,
    compound_returns,
    fold_bounds,
    rank,
    tasks_of,
    walk_forward,
)
from oms.wire.backtests.run_figures import rank_numbers
from oms.wire.backtests.run_settings import read_settings

Report = Callable[[BacktestProgress], None]


def stored_grid(request: Mapping[str, Any]) -> list[Combination]:
    """Return the combinations of a stored sweep, with its fixed parameters."""
    fixed = {name: str(number) for name, number in request["params"].items()}
    return [fixed | each for each in combinations_of(request["grid"], request["where"])]


class SweepExecution:
    """The execution of one stored sweep on candles, which ascend."""

    def __init__(self, run: StoredBacktest, candles: Sequence[Candle], report: Report) -> None:
        request: Mapping[str, Any] = run.order.request
        self._request = request
        self._settings = read_settings(request["settings"])
        self._grid = stored_grid(request)
        self._candles = candles
        self._report = report
        self._done = 0
        folds = request["folds"]
        self._total = len(self._grid) if folds is None else folds * (len(self._grid) + 1)

    def outcome(self, run_tasks: RunTasks) -> BacktestOutcome:
        """Run the tasks and return the result. Raises ``Invalid``."""

        def counted(tasks: Sequence[SweepTask]) -> Iterator[Row]:
            for row in run_tasks(tasks):
                self._done += 1
                self._report(BacktestProgress(done=self._done, total=self._total))
                yield row

        self._report(BacktestProgress(done=0, total=self._total))
        if self._request["folds"] is None:
            return self._rank(counted)
        return self._walk_forward(counted, self._request["folds"])

    def _rank(self, run_tasks: RunTasks) -> BacktestOutcome:
        settings, sort = self._settings, self._request["sort"]
        rows = rank(run_tasks(tasks_of(self._grid, settings.start, settings.end)), sort)
        best = rows[0] if rows and rows[0].get(sort) is not None else None
        failed = sum(row["error"] is not None for row in rows)
        result = {"best": best, "failed": failed, "folds": None, "unseen_return_pct": None}
        return self._outcome(result, rows, best)

    def _walk_forward(self, run_tasks: RunTasks, folds: int) -> BacktestOutcome:
        settings, candles = self._settings, self._candles
        first = candles[0].open_time
        last = settings.timeframe.next_open(candles[-1].open_time)
        start, end = settings.start or first, settings.end or last
        bounds = fold_bounds(max(first, start), min(last, end), folds)
        rows = walk_forward(run_tasks, self._grid, settings, bounds, self._request["sort"])
        result = {
            "best": None,
            "failed": sum(row["error"] is not None for row in rows),
            "folds": rows,
            "unseen_return_pct": compound_returns(rows),
        }
        return self._outcome(result, (), None)

    def _outcome(
        self, result: Mapping[str, Any], rows: Iterable[Row], best: Row | None
    ) -> BacktestOutcome:
        figures = {} if best is None else rank_numbers(best)
        return BacktestOutcome(
            result={**result, "combinations": len(self._grid)},
            figures=figures,
            data_hash=hash_candles(self._candles),
            combinations=[*rows],
        )
