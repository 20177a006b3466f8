"""Stored backtests as JSON: in lists, with all of their result, and their rows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar, cast

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.money import decimal_text
from oms.ports.research.backtest_runs import (
    BacktestKind,
    BacktestStatus,
    Row,
    StoredBacktest,
)
from oms.wire.backtests.run_figures import FIGURES
from oms.wire.json import optional_time_text, time_text
from oms.wire.market.candle_bodies import TimeframeText
from oms.wire.query_parameters import cursor_text
from oms.wire.responses.value_types import Count, DecimalText, Id, SideText, TimeText, one_of

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


class TradeRow(TypedDict):
    """One execution."""

    number: Id
    timestamp: TimeText
    symbol: str
    side: SideText
    quantity: DecimalText
    price: DecimalText
    value: DecimalText
    fee: DecimalText
    reason: Annotated[str, one_of("signal", "sl", "tp", "trailing", "liquidation", "end_of_data")]
    round_trip: Annotated[int, Field(ge=1, description="Number of its round trip.")]


class RoundTripRow(TypedDict):
    """A position from its entry to its end; ``pnl`` is net of all fees."""

    number: Id
    side: PositionText
    entry_time: TimeText
    entry_price: DecimalText
    exit_time: TimeText
    exit_price: DecimalText
    qty: DecimalText
    fees: DecimalText
    pnl: DecimalText
    pnl_pct: float
    bars_held: Count
    exit_reason: str


class PointRow(TypedDict):
    """Equity at the close of a candle."""

    timestamp: TimeText
    close: DecimalText
    balance: DecimalText
    position_value: DecimalText
    total_equity: DecimalText


Item = TypeVar("Item")


class CursorPage(TypedDict, Generic[Item]):
    """A page of rows."""

    items: list[Item]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


class EquityBody(TypedDict):
    """The equity curve."""

    items: list[PointRow]
    sampled: Annotated[
        bool,
        Field(description="The curve is longer: of each part the lowest and the highest point."),
    ]


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
        **{name: result.get(name) for name in FIGURES},
    }
    return cast("BacktestRow", row)


def backtest_body(run: StoredBacktest, now: datetime) -> BacktestDetails:
    """Return a backtest with all of its result."""
    result: Mapping[str, Any] = run.result or {}
    more = {name: result.get(name) for name in _MORE}
    body = {**backtest_row(run, now), "settings": run.order.request["settings"], **more}
    return cast("BacktestDetails", body)


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


def trade_row(row: Mapping[str, Any], symbol: str) -> TradeRow:
    """Return an execution."""
    return {
        "number": row["number"],
        "timestamp": time_text(row["at"]),
        "symbol": symbol,
        "side": row["side"],
        "quantity": decimal_text(row["quantity"]),
        "price": decimal_text(row["price"]),
        "value": decimal_text(row["value"]),
        "fee": decimal_text(row["fee"]),
        "reason": row["reason"],
        "round_trip": row["round_trip"],
    }


def round_trip_row(row: Mapping[str, Any]) -> RoundTripRow:
    """Return a round trip."""
    return {
        "number": row["number"],
        "side": row["side"],
        "entry_time": time_text(row["entry_time"]),
        "entry_price": decimal_text(row["entry_price"]),
        "exit_time": time_text(row["exit_time"]),
        "exit_price": decimal_text(row["exit_price"]),
        "qty": decimal_text(row["qty"]),
        "fees": decimal_text(row["fees"]),
        "pnl": decimal_text(row["pnl"]),
        "pnl_pct": float(row["pnl_pct"]),
        "bars_held": row["bars_held"],
        "exit_reason": row["exit_reason"],
    }


def _point_row(row: Mapping[str, Any]) -> PointRow:
    """Return a point of the equity curve."""
    return {
        "timestamp": time_text(row["at"]),
        "close": decimal_text(row["close"]),
        "balance": decimal_text(row["balance"]),
        "position_value": decimal_text(row["position_value"]),
        "total_equity": decimal_text(row["total_equity"]),
    }


def equity_body(run: StoredBacktest, points: Sequence[Row]) -> EquityBody:
    """Return the equity curve of a finished run."""
    bars: Any = (run.result or {}).get("bars", 0)
    return {"items": [_point_row(point) for point in points], "sampled": len(points) < bars}


def numbered_page(
    rows: Sequence[Mapping[str, Any]], limit: int, row_of: Callable[[Row], Item]
) -> CursorPage[Item]:
    """Return the first ``limit`` of rows with numbers; one row more says that there are others."""
    kept = rows[:limit]
    cursor = cursor_text(kept[-1]["number"]) if len(rows) > limit else None
    return {"items": [row_of(row) for row in kept], "next_cursor": cursor}


def _elapsed_seconds(run: StoredBacktest, now: datetime) -> float:
    if run.started_at is None:
        return 0.0
    elapsed: timedelta = (run.progress_at or now) - run.started_at
    return elapsed.total_seconds()


def _silence_seconds(run: StoredBacktest, now: datetime) -> float:
    seen = run.progress_at or run.started_at
    return 0.0 if seen is None else (now - seen).total_seconds()
