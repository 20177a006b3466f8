"""Parameter sweeps and walk-forward tests on rows made for them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from kit.backtests.candles import SETTINGS, START, candles_of
from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
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
from oms.strategies.catalog import find_strategy

ROWS = [("100", "101", "99", "100")] * 6 + [("100", "130", "100", "120")] * 6


def _candles() -> Iterable[Candle]:
    return candles_of(ROWS)


def test_a_combination_that_fails_is_a_row_with_its_error() -> None:
    run = prepare_runs(
        SweepInput(find=partial(find_strategy, "sma_cross"), settings=SETTINGS, load=_candles)
    )
    good, bad = tasks_of([{"fast": "1", "slow": "2"}, {"fast": "2", "slow": "2"}], None, None)

    assert run(good)["total_trades"] == 1
    assert run(bad) == {
        "number": 2,
        "params": {"fast": "2", "slow": "2"},
        "error": "parameter fast must be less than slow",
    }


def _row(number: int, **figures: Any) -> Row:
    return {"number": number, "params": {}, "error": None, **figures}


def test_rows_without_the_figure_are_last_and_equal_ones_keep_their_order() -> None:
    rows = [
        _row(1, sharpe_ratio=None),
        _row(2, sharpe_ratio=0.5),
        _row(3),
        _row(4, sharpe_ratio=2.0),
        _row(5, sharpe_ratio=0.5),
    ]
    assert [row["number"] for row in rank(rows, "sharpe_ratio")] == [4, 2, 5, 1, 3]
    assert [row["number"] for row in rank(rows[::-1], "sharpe_ratio")] == [4, 2, 5, 1, 3]


def test_the_smallest_drawdown_is_first() -> None:
    rows = [_row(1, max_drawdown=20.0), _row(2, max_drawdown=5.0)]
    assert [row["number"] for row in rank(rows, "max_drawdown")] == [2, 1]


def test_folds_follow_the_first_part() -> None:
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 5, tzinfo=UTC)
    days = [start + timedelta(days=number) for number in range(5)]

    assert fold_bounds(start, end, 3) == [*pairwise(days)][1:]
    for folds in (0, 51):
        with pytest.raises(Invalid, match="must be within 1 to 50"):
            fold_bounds(start, end, folds)


def test_a_fold_is_chosen_on_candles_before_it_alone() -> None:
    """The best of the past is bad later: it is chosen all the same."""
    asked: list[tuple[str, datetime | None, datetime | None]] = []

    def run(tasks: Sequence[SweepTask]) -> Iterable[Row]:
        for task in tasks:
            name = task.parameters["name"]
            asked.append((name, task.start, task.end))
            is_past = task.start is None
            good = (name == "old") is is_past
            figures = {"total_return_pct": 10.0 if good else -50.0}
            yield {"number": task.number, "params": task.parameters, "error": None, **figures}

    bounds = fold_bounds(START, START + timedelta(hours=6), 2)
    grid = [{"name": "new"}, {"name": "old"}]
    folds = walk_forward(run, grid, SETTINGS, bounds, "total_return_pct")

    assert [fold["params"] for fold in folds] == [{"name": "old"}] * 2
    assert [fold["unseen"]["total_return_pct"] for fold in folds] == [-50.0, -50.0]
    assert compound_returns(folds) == -75.0
    first, second = bounds
    assert asked == [
        ("new", None, first[0]),
        ("old", None, first[0]),
        ("old", *first),
        ("new", None, second[0]),
        ("old", None, second[0]),
        ("old", *second),
    ]


def test_a_past_without_the_figure_chooses_nothing() -> None:
    run = prepare_runs(
        SweepInput(find=partial(find_strategy, "sma_cross"), settings=SETTINGS, load=_candles)
    )
    grid = [{"fast": "50", "slow": "60"}]
    bounds = fold_bounds(START, START + timedelta(hours=12), 1)

    (fold,) = walk_forward(lambda tasks: map(run, tasks), grid, SETTINGS, bounds, "sharpe_ratio")

    assert (fold["params"], fold["unseen"]) == (None, None)
    assert compound_returns([fold]) is None
