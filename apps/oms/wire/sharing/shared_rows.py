"""What a share link shows to readers without an account.

No id, account, strategy or user is among it; amounts of money and quantities only where the link
has them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.ledger.position import Position
from oms.domain.money import decimal_text, divide, multiply, subtract
from oms.domain.performance.equity_curve import CurvePoint
from oms.domain.performance.equity_statistics import EquityPoint, chained_index
from oms.domain.performance.trade_statistics import TradeStatistics
from oms.domain.share_link import ShareLink, ShareView
from oms.domain.side import Side
from oms.ports.mark_prices import PositionMark
from oms.wire.json import optional_decimal_text, optional_time_text, time_text
from oms.wire.performance.statistics_rows import StatisticsRow, statistics_row
from oms.wire.responses.value_types import DecimalText, TimeText, one_of

_HUNDRED = Decimal(100)
_PLACES = Decimal("0.0001")
_CONTEXT = Context(prec=60)

AMOUNTS = (
    *("total_pnl", "avg_pnl_per_trade", "avg_pnl_win", "avg_pnl_loss", "expectancy"),
    *("max_drawdown", "fees_total"),
)
"""The figures of statistics that are amounts of money."""


class SharedPoint(TypedDict):
    """A point of an equity curve."""

    ts: TimeText
    change_pct: Annotated[DecimalText, Field(description="Since the first point.")]
    drawdown_pct: DecimalText | None
    equity: Annotated[DecimalText | None, Field(description="Null: not shown.")]


class SharedCurve(TypedDict):
    """The equity of one account."""

    currency: str
    points: list[SharedPoint]


class SharedPosition(TypedDict):
    """An open position; null is unknown or not shown."""

    symbol: str
    side: Annotated[str, one_of(*Side)]
    opened_at: TimeText
    avg_price: DecimalText
    mark_price: DecimalText | None
    change_pct: Annotated[
        DecimalText | None, Field(description="Of the price, in favor of the position.")
    ]
    qty: DecimalText | None
    unrealized_pnl: DecimalText | None


class SharedStatistics(StatisticsRow):
    """Statistics of closed positions; amounts are null where the link does not have them."""


class SharedBody(TypedDict):
    """The figures of a link; those of other views are null."""

    title: str
    view: Annotated[str, one_of(*ShareView)]
    since: TimeText | None
    expires_at: TimeText
    as_of: TimeText
    shows_amounts: bool
    stats: SharedStatistics | None
    equity: list[SharedCurve] | None
    positions: list[SharedPosition] | None


def shared_body(link: ShareLink, as_of: datetime) -> SharedBody:
    """Return the body of a link without figures."""
    return {
        "title": link.title,
        "view": link.view.value,
        "since": optional_time_text(link.since),
        "expires_at": time_text(link.expires_at),
        "as_of": time_text(as_of),
        "shows_amounts": link.has_amounts,
        "stats": None,
        "equity": None,
        "positions": None,
    }


def shared_statistics(figures: TradeStatistics, *, has_amounts: bool) -> SharedStatistics:
    """Return statistics; without amounts these are null."""
    row = SharedStatistics(**statistics_row(figures))
    if not has_amounts:
        for name in AMOUNTS:
            row[name] = None  # type: ignore[literal-required]
    return row


def shared_curve(currency: str, points: Sequence[CurvePoint], *, has_amounts: bool) -> SharedCurve:
    """Return a curve in percent of its first point; it ends where the equity was 0."""
    index = chained_index(
        [EquityPoint(ts=each.ts, equity=each.equity, flows=each.flows) for each in points]
    )
    return {
        "currency": currency,
        "points": [
            {
                "ts": time_text(each.ts),
                "change_pct": _percent_text(multiply(subtract(worth, Decimal(1)), _HUNDRED)),
                "drawdown_pct": optional_decimal_text(each.drawdown_pct),
                "equity": decimal_text(each.equity) if has_amounts else None,
            }
            for each, worth in zip(points, index, strict=False)
        ],
    }


def shared_positions(
    positions: Sequence[Position], marks: Mapping[int, PositionMark], *, has_amounts: bool
) -> list[SharedPosition]:
    """Return open positions with their marks."""
    return [_position(each, marks.get(each.id), has_amounts) for each in positions]


def _position(position: Position, mark: PositionMark | None, has_amounts: bool) -> SharedPosition:
    change = None
    if mark is not None and position.avg_price:
        moved = subtract(mark.price, position.avg_price)
        moved = moved if position.side is Side.BUY else -moved
        change = _percent_text(divide(multiply(moved, _HUNDRED), position.avg_price))
    return {
        "symbol": position.symbol,
        "side": position.side.value,
        "opened_at": time_text(position.opened_at),
        "avg_price": decimal_text(position.avg_price),
        "mark_price": None if mark is None else decimal_text(mark.price),
        "change_pct": change,
        "qty": decimal_text(position.qty.copy_abs()) if has_amounts else None,
        "unrealized_pnl": decimal_text(mark.profit) if has_amounts and mark is not None else None,
    }


def _percent_text(percent: Decimal) -> str:
    return decimal_text(percent.quantize(_PLACES, context=_CONTEXT))
