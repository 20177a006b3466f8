"""``oms backtest sweep``: all combinations of parameters on the candles of a file."""

import argparse
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from oms.adapters.process_pool import ProcessPool
from oms.bootstrap.strategies import ProcessSweepInput, prepare_process_runs
from oms.cli.output import build_table
from oms.cli.research.backtest_input import (
    RequestedRun,
    failure,
    read_parameters,
    read_request,
    write_text,
)
from oms.cli.research.candle_input import Load, candle_input
from oms.cli.research.execute_backtest import in_process, own_settings
from oms.cli.terminal.progress import ProgressReport
from oms.domain.errors import Invalid, NotFound, OmsError
from oms.domain.market.candle import Candle
from oms.ports.research.strategy_process import StrategyProcess
from oms.services.backtests.parameter_grid import Combination, combinations_of
from oms.services.backtests.parameter_sweep import (
    Row,
    SweepInput,
    SweepTask,
    compound_returns,
    fold_bounds,
    prepare_runs,
    rank,
    tasks_of,
    walk_forward,
)
from oms.services.research.known_strategies import AnyStrategy
from oms.strategies.catalog import built_in_strategy, find_strategy
from oms.strategies.description import StrategyDescription, find_description
from oms.wire.backtests.result_json import settings_json
from oms.wire.backtests.run_figures import SWEEP_FIGURES
from oms.wire.csv_text import csv_lines

if TYPE_CHECKING:
    from rich.console import RenderableType

Runs = ProcessPool[SweepTask, Row]
#: Rows of the table on a terminal.
ROWS_SHOWN = 20
_COLUMNS = SWEEP_FIGURES[:8]


def sweep(parsed: argparse.Namespace) -> Any:
    """Run all combinations; returns their figures, the best first, or the folds."""
    load, instrument = candle_input(parsed)
    request = read_request(parsed, {}, instrument)
    try:
        strategy = _find(parsed)
        grid = _read_grid(parsed, strategy)
        candles = list(load())
        answer = _describe(parsed, request, strategy, len(grid))
        prepare = _prepare(parsed, request, strategy, load)
        with ProcessPool(prepare, parsed.workers or os.cpu_count() or 1) as pool:
            if parsed.folds is None:
                return answer | _run_grid(parsed, pool, grid, request)
            return answer | _run_folds(parsed, pool, grid, request, candles)
    except OmsError as error:
        raise failure(error) from None


def build_sweep_view(parsed: argparse.Namespace, answer: Mapping[str, Any]) -> "RenderableType":
    """Return the best combinations, or the folds, for a terminal."""
    from rich.console import Group
    from rich.text import Text

    title = f"{answer['strategy']}, {answer['combinations']} combinations by {answer['sort']}"
    if parsed.folds is not None:
        rows = [_fold_cells(fold, answer["sort"]) for fold in answer["folds"]]
        end = f"return of the unseen parts: {_number(answer['unseen_return_pct'])} %"
        return Group(Text(title), build_table(rows), Text(end))
    rows = [_cells(row) for row in answer["items"][:ROWS_SHOWN]]
    failed = f", {answer['failed']} failed" if answer["failed"] else ""
    end = f"{answer['done']} done{failed}; shown: {len(rows)}"
    return Group(Text(title), build_table(rows), Text(end))


def _find(parsed: argparse.Namespace) -> AnyStrategy:
    """Return the strategy; the code of a user's is loaded in its process. Raises ``OmsError``."""
    if (definition := built_in_strategy(parsed.strategy)) is not None:
        return definition

    async def describe(process: StrategyProcess) -> AnyStrategy:
        catalog = await process.load_catalog()
        found = find_description(parsed.strategy, catalog.strategies)
        if found is None:
            known = ", ".join(each.name for each in catalog.strategies)
            failed = "".join(f"; {each.message}" for each in catalog.errors)
            message = f"no strategy {parsed.strategy[:64]!r}; there are {known}{failed}"
            raise NotFound(message, reason="unknown_strategy")
        return found

    return in_process(parsed, describe)


def _prepare(
    parsed: argparse.Namespace, request: RequestedRun, strategy: AnyStrategy, load: Load
) -> Callable[[], Callable[[SweepTask], Row]]:
    """Return what prepares the runs in each process."""
    if isinstance(strategy, StrategyDescription):
        own = ProcessSweepInput(
            settings=own_settings(parsed),
            name=strategy.name,
            code_hash=strategy.code_hash,
            backtest=request.settings,
            load=load,
        )
        return partial(prepare_process_runs, own)
    find = partial(find_strategy, strategy.name)
    shared = SweepInput(find=find, settings=request.settings, load=load)
    return partial(prepare_runs, shared)


def _read_grid(parsed: argparse.Namespace, strategy: AnyStrategy) -> list[Combination]:
    """Return the combinations with the fixed parameters. Raises ``OmsError``."""
    fixed = read_parameters(parsed.param)
    grid = [fixed | each for each in combinations_of(parsed.grid, parsed.where)]
    strategy.check_names(grid[0])
    if both := fixed.keys() & {axis.partition("=")[0] for axis in parsed.grid}:
        raise Invalid(f"{min(both)} is a parameter of the grid and fixed")
    return grid


def _describe(
    parsed: argparse.Namespace, request: RequestedRun, strategy: AnyStrategy, count: int
) -> dict[str, Any]:
    return {
        "ok": True,
        "strategy": strategy.name,
        "version": strategy.version,
        "settings": settings_json(request.settings),
        "sort": parsed.sort,
        "combinations": count,
    }


def _run_grid(
    parsed: argparse.Namespace,
    pool: Runs,
    grid: Sequence[Combination],
    request: RequestedRun,
) -> dict[str, Any]:
    """Run the grid; an interrupt keeps what is done."""
    tasks = tasks_of(grid, request.settings.start, request.settings.end)
    rows: list[Row] = []
    best: Row | None = None
    interrupted = False
    with ProgressReport("runs", len(tasks)) as progress:
        try:
            for row in pool.run(tasks):
                rows.append(row)
                best = rank([row] if best is None else [best, row], parsed.sort)[0]
                progress.update(len(rows), _note(best, parsed.sort))
        except KeyboardInterrupt:
            interrupted = True
    ranked = rank(rows, parsed.sort)
    if parsed.out:
        write_text(parsed.out, _csv(ranked))
    return {
        "ok": not interrupted,
        "done": len(rows),
        "failed": sum(row["error"] is not None for row in rows),
        "interrupted": interrupted,
        "items": ranked,
    }


def _run_folds(
    parsed: argparse.Namespace,
    pool: Runs,
    grid: Sequence[Combination],
    request: RequestedRun,
    candles: Sequence[Candle],
) -> dict[str, Any]:
    settings = request.settings
    first, last = candles[0].open_time, settings.timeframe.next_open(candles[-1].open_time)
    bounds = fold_bounds(
        max(first, settings.start or first), min(last, settings.end or last), parsed.folds
    )
    total = len(bounds) * (len(grid) + 1)
    with ProgressReport("runs", total) as progress:
        done = itertools.count(1)

        def run(tasks: Sequence[SweepTask]) -> Iterator[Row]:
            for row in pool.run(tasks):
                progress.update(next(done))
                yield row

        folds = walk_forward(run, grid, settings, bounds, parsed.sort)
    return {"folds": folds, "unseen_return_pct": compound_returns(folds)}


def _csv(rows: Sequence[Row]) -> str:
    """Return the rows as CSV: parameters, figures, error."""
    names = [*rows[0]["params"]] if rows else []
    columns = [*names, *SWEEP_FIGURES, "error"]
    flat = [{**row, **row["params"]} for row in rows]
    return ",".join(columns) + "\r\n" + csv_lines(flat, columns)


def _note(best: Row, figure: str) -> str:
    return f"best {figure} {_number(best.get(figure))} {_parameters(best['params'])}"


def _cells(row: Row) -> dict[str, str]:
    figures = {name: _number(row.get(name)) for name in _COLUMNS}
    return {**row["params"], **figures, "error": row["error"] or ""}


def _fold_cells(fold: Mapping[str, Any], figure: str) -> dict[str, str]:
    unseen = fold["unseen"] or {}
    return {
        "from": fold["start"][:10],
        "to": fold["end"][:10],
        "chosen": _parameters(fold["params"] or {}),
        f"past {figure}": _number(fold["past"].get(figure)),
        f"unseen {figure}": _number(unseen.get(figure)),
        "unseen return %": _number(unseen.get("total_return_pct")),
        "trades": _number(unseen.get("total_trades")),
    }


def _parameters(parameters: Mapping[str, str]) -> str:
    return " ".join(f"{name}={number}" for name, number in parameters.items())


def _number(number: Any) -> str:
    if number is None:
        return "-"
    return f"{number:.4f}" if isinstance(number, float) else str(number)
