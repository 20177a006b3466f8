"""Rows of the result of a backtest as JSON: executions, round trips, the equity curve."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.money import decimal_text
from oms.ports.research.backtest_runs import Row, StoredBacktest
from oms.wire.json import time_text
from oms.wire.query_parameters import cursor_text
from oms.wire.responses.value_types import Count, DecimalText, Id, SideText, TimeText, one_of

PositionText = Annotated[str, one_of("long", "short")]


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
