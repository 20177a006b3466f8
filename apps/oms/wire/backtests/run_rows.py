"""Stored backtests as JSON: in lists, with all of their result, and their rows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, cast

from pydantic import Field
from typing_extensions import TypedDict

from oms.ports.research.backtest_runs import (
    BacktestKind,
    BacktestStatus,
    StoredBacktest,
)
from oms.wire.backtests.run_figures import FIGURES, SWEEP_FIGURES
from oms.wire.json import optional_time_text, time_text
from oms.wire.market.candle_bodies import TimeframeText
from oms.wire.responses.value_types import Count, DecimalText, Id, TimeText, one_of

STALE_SECONDS = 15.0
"""A running backtest whose last sign is older is not executed at present."""

StatusText = Annotated[str, one_of(*BacktestStatus)]
KindText = Annotated[str, one_of(*BacktestKind)]
PositionText = Annotated[str, one_of("long", "short")]
_Amount = DecimalText | None
_Ratio = float | None
_Number = Count | None


class BacktestProgressRow(TypedDict):
    """How far a running backtest is: candles of a run, runs of a sweep."""

    done: Count
    total: Annotated[Count, Field(description="0: not known yet.")]
    rate: Annotated[_Ratio, Field(description="Per second.")]
    eta_s: Annotated[_Ratio, Field(description="Seconds that remain at this rate.")]


class HashesRow(TypedDict):
    """Equal hashes mean equal parameters and equal candles."""

    params: str
    data: Annotated[str | None, Field(description="Null until it is done.")]


class FiguresRow(TypedDict):
    """The figures of a run; null until it is done, and where one is not defined."""

    initial_balance: _Amount
    final_balance: _Amount
    total_return: _Amount
    total_return_pct: _Ratio
    total_trades: Annotated[_Number, Field(description="Round trips.")]
    winning_trades: _Number
    losing_trades: _Number
    breakeven_trades: _Number
    win_rate: _Ratio
    max_drawdown: Annotated[_Ratio, Field(description="Percent.")]
    max_drawdown_seconds: _Number
    sharpe_ratio: _Ratio
    sortino_ratio: _Ratio
    profit_factor: _Ratio
    expectancy: _Amount
    avg_win: _Amount
    avg_loss: _Amount
    fees_paid: _Amount
    funding_paid: Annotated[
        _Amount, Field(description="Net; null where no rates of the contract are stored.")
    ]
    cagr_pct: _Ratio
    exposure_pct: _Ratio
    buy_and_hold_return_pct: _Ratio
    bars: _Number
    warmup_bars: _Number
    skipped_min: _Number


class BacktestRow(FiguresRow):
    """A backtest of a list."""

    run_id: Id
    kind: KindText
    status: StatusText
    stale: Annotated[bool, Field(description="It is running, but no process works at it.")]
    created_by: str
    created_at: TimeText
    started_at: TimeText | None
    ended_at: TimeText | None
    progress: BacktestProgressRow | None
    error: Annotated[str | None, Field(description="Why it failed.")]
    strategy: str
    version: str
    exchange: str
    symbol: str
    timeframe: TimeframeText
    start: TimeText | None
    end: TimeText | None
    params: dict[str, Any]
    hashes: HashesRow


class MetricsRow(TypedDict):
    """Counts of executions and the costs of each."""

    total_buy_trades: Count
    total_sell_trades: Count
    commission_rate: DecimalText
    slippage_rate: DecimalText


class GapRow(TypedDict):
    """Candles that the data does not have."""

    start: TimeText
    end: TimeText


class RefusedRow(TypedDict):
    """An entry that was not made."""

    timestamp: TimeText
    reason: str
    message: str


class MonthRow(TypedDict):
    """The return of a month (UTC)."""

    year: int
    month: Annotated[int, Field(ge=1, le=12)]
    return_pct: _Ratio


class SweepBest(TypedDict):
    """The best combination; its figures are in the list of combinations."""

    number: Id
    params: dict[str, Any]


class SweepDetails(TypedDict):
    """What a sweep runs, and its result; null until it is done."""

    grid: Annotated[list[str], Field(description="NAME=FROM:TO:STEP or NAME=A,B,C.")]
    where: list[str]
    sort: str
    folds: Annotated[int | None, Field(description="Parts of a walk-forward test.")]
    combinations: _Number
    failed: _Number
    best: SweepBest | None
    unseen: Annotated[
        list[dict[str, Any]] | None,
        Field(description="Of each fold: period, chosen parameters, figures of past and unseen."),
    ]
    unseen_return_pct: Annotated[
        _Ratio, Field(description="Return of the unseen parts one after the other.")
    ]


class CombinationRow(TypedDict):
    """One combination of a sweep; figures are null if it failed."""

    number: Id
    params: dict[str, Any]
    error: str | None
    total_return_pct: _Ratio
    sharpe_ratio: _Ratio
    sortino_ratio: _Ratio
    max_drawdown: _Ratio
    cagr_pct: _Ratio
    total_trades: _Number
    win_rate: _Ratio
    profit_factor: _Ratio
    expectancy: _Amount
    exposure_pct: _Ratio
    fees_paid: _Amount
    final_balance: _Amount


class BacktestDetails(BacktestRow):
    """A backtest with its settings and what limits its result."""

    settings: dict[str, Any]
    periods_per_year: _Ratio
    first_at: TimeText | None
    last_at: TimeText | None
    warmup_ok: bool | None
    metrics: MetricsRow | None
    data_gaps: list[GapRow] | None
    refused: list[RefusedRow] | None
    monthly_returns: list[MonthRow] | None
    sweep: Annotated[SweepDetails | None, Field(description="Null of a single run.")]


class BacktestRequested(TypedDict):
    """The answer to a request."""

    ok: bool
    run_id: Id
    status: StatusText


class BacktestDeleted(TypedDict):
    """The answer to a deletion."""

    ok: bool
    run_id: Id
    status: Annotated[str, one_of("canceled", "canceling", "removed")]


_MORE = (
    *("periods_per_year", "first_at", "last_at", "warmup_ok", "metrics", "data_gaps", "refused"),
    "monthly_returns",
)


def backtest_row(run: StoredBacktest, now: datetime) -> BacktestRow:
    """Return a backtest of a list."""
    order, result = run.order, run.result or {}
    figures: Mapping[str, Any] = result if order.kind is BacktestKind.RUN else {}
    is_running = run.status is BacktestStatus.RUNNING
    row = {
        "run_id": run.id,
        "kind": order.kind.value,
        "status": run.status.value,
        "stale": is_running and _silence_seconds(run, now) > STALE_SECONDS,
        "created_by": order.created_by,
        "created_at": time_text(order.created_at),
        "started_at": optional_time_text(run.started_at),
        "ended_at": optional_time_text(run.ended_at),
        "progress": progress_row(run, now) if is_running else None,
        "error": run.error,
        "strategy": order.strategy,
        "version": order.version,
        "exchange": order.exchange,
        "symbol": order.symbol,
        "timeframe": order.timeframe,
        "start": optional_time_text(order.start),
        "end": optional_time_text(order.end),
        "params": order.request["params"],
        "hashes": {"params": order.params_hash, "data": run.data_hash},
        **{name: figures.get(name) for name in FIGURES},
    }
    return cast("BacktestRow", row)


def backtest_body(run: StoredBacktest, now: datetime) -> BacktestDetails:
    """Return a backtest with all of its result."""
    result: Mapping[str, Any] = run.result or {}
    more = {name: result.get(name) for name in _MORE}
    body = {
        **backtest_row(run, now),
        "settings": run.order.request["settings"],
        **more,
        "sweep": _sweep(run) if run.order.kind is BacktestKind.SWEEP else None,
    }
    return cast("BacktestDetails", body)


def _sweep(run: StoredBacktest) -> SweepDetails:
    request: Mapping[str, Any] = run.order.request
    result: Mapping[str, Any] = run.result or {}
    best = result.get("best")
    return {
        **{name: request[name] for name in ("grid", "where", "sort", "folds")},  # type: ignore[typeddict-item]
        "combinations": result.get("combinations"),
        "failed": result.get("failed"),
        "best": None if best is None else {"number": best["number"], "params": best["params"]},
        "unseen": result.get("folds"),
        "unseen_return_pct": result.get("unseen_return_pct"),
    }


def combination_row(row: Mapping[str, Any]) -> CombinationRow:
    """Return a combination of a sweep."""
    figures = {name: row.get(name) for name in SWEEP_FIGURES}
    known = {"number": row["number"], "params": row["params"], "error": row["error"]}
    return cast("CombinationRow", known | figures)


def progress_row(run: StoredBacktest, now: datetime) -> BacktestProgressRow:
    """Return how far a running backtest is."""
    elapsed = _elapsed_seconds(run, now)
    rate = run.done / elapsed if elapsed > 0 and run.done else None
    left = max(run.total - run.done, 0)
    is_known = rate is not None and run.total > 0
    return {
        "done": run.done,
        "total": run.total,
        "rate": None if rate is None else round(rate, 3),
        "eta_s": round(left / rate, 3) if is_known and rate is not None else None,
    }


def _elapsed_seconds(run: StoredBacktest, now: datetime) -> float:
    if run.started_at is None:
        return 0.0
    elapsed: timedelta = (run.progress_at or now) - run.started_at
    return elapsed.total_seconds()


def _silence_seconds(run: StoredBacktest, now: datetime) -> float:
    seen = run.progress_at or run.started_at
    return 0.0 if seen is None else (now - seen).total_seconds()
