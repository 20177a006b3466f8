"""What a backtest returns: executions, round trips, points of the equity curve, figures."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.side import Side
from oms.domain.value import value


class ExecutionReason(StrEnum):
    """Why an order was executed."""

    SIGNAL = "signal"
    STOP_LOSS = "sl"
    TAKE_PROFIT = "tp"
    TRAILING = "trailing"
    LIQUIDATION = "liquidation"
    #: The last candle closed what was open.
    END_OF_DATA = "end_of_data"


@value
class Execution:
    """One execution; value and fee in quote."""

    at: datetime
    side: Side
    qty: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    reason: ExecutionReason
    #: Number of its round trip, from 1.
    round_trip: int


@value
class RoundTrip:
    """A position from its entry to its end; ``pnl`` is net of all fees."""

    number: int
    side: Side
    entry_time: datetime
    entry_price: Decimal
    exit_time: datetime
    exit_price: Decimal
    qty: Decimal
    fees: Decimal
    pnl: Decimal
    #: Of the value at the entry price, in percent.
    pnl_pct: Decimal
    #: Candles from the one of the entry to the one of the exit.
    bars_held: int
    exit_reason: ExecutionReason


@value
class CurvePoint:
    """Equity at the close of a candle: cash and the signed value of the position."""

    at: datetime
    close: Decimal
    cash: Decimal
    position_value: Decimal
    equity: Decimal


@value
class MonthReturn:
    """The change of the equity in a month, in percent; ``None`` from an equity of zero."""

    year: int
    month: int
    return_pct: Decimal | None


@value
class DataGap:
    """Candles that the data does not have: those that open from ``start`` to before ``end``."""

    start: datetime
    end: datetime


@value
class RefusedEntry:
    """An entry that was not made."""

    at: datetime
    reason: str
    message: str


@value
class TradeFigures:
    """Figures of the round trips; ``None`` is undefined."""

    total: int
    wins: int
    losses: int
    breakeven: int
    win_rate: Decimal | None
    profit_factor: Decimal | None
    expectancy: Decimal | None
    avg_win: Decimal | None
    avg_loss: Decimal | None
    fees_paid: Decimal


@value
class EquityFigures:
    """Figures of the equity curve; percentages of 100, ``None`` is undefined."""

    final_balance: Decimal
    total_return: Decimal
    total_return_pct: Decimal
    max_drawdown_pct: Decimal
    max_drawdown_seconds: int
    sharpe_ratio: Decimal | None
    sortino_ratio: Decimal | None
    cagr_pct: Decimal | None
    periods_per_year: Decimal


@value
class BacktestResult:
    """The result of a run; its curve went to the caller point by point."""

    executions: Sequence[Execution]
    round_trips: Sequence[RoundTrip]
    trades: TradeFigures
    equity: EquityFigures
    #: Candles of the window, and those before it.
    bars: int
    warmup_bars: int
    warmup_ok: bool
    first_at: datetime | None
    last_at: datetime | None
    exposure_pct: Decimal | None
    buy_and_hold_return_pct: Decimal | None
    monthly_returns: Sequence[MonthReturn]
    data_gaps: Sequence[DataGap]
    #: Entries below the minimum of the instrument.
    skipped_min: int
    refused: Sequence[RefusedEntry]
    #: Paid, net of what was received; ``None`` without recorded rates.
    funding_paid: Decimal | None = None
