"""Rows of positions with what they are worth, and their sums by symbol."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.ledger.position import Position
from oms.domain.money import decimal_text, total
from oms.ports.mark_prices import PositionMark
from oms.wire.json import optional_decimal_text, time_text
from oms.wire.responses.ledger_rows import PositionRow, position_row
from oms.wire.responses.value_types import Count, DecimalText, Id, TimeText


class MarkedPositionRow(PositionRow):
    """A position with its matched view, and what it is worth at its mark; null without one."""

    fees_value: Annotated[
        DecimalText | None,
        Field(description="All fees in the settle currency; null if one has no rate."),
    ]
    unvalued_fees: Annotated[
        dict[str, DecimalText] | None, Field(description="Fees without a rate, by currency.")
    ]
    matched_pnl: Annotated[
        DecimalText | None,
        Field(description="Profit and funding less the fees of what was closed, entries pro rata."),
    ]
    break_even_price: Annotated[
        DecimalText | None,
        Field(description="Average entry plus the fees of the entries; null if one has no rate."),
    ]
    market_value: Annotated[
        DecimalText | None, Field(description="In the settle currency; negative of a short one.")
    ]
    cost_basis: DecimalText | None
    last_price: Annotated[DecimalText | None, Field(description="As mark_price.")]
    last_price_at: TimeText | None


class PositionMarkRow(TypedDict):
    """What an open position is worth now."""

    account_id: Id
    position_id: Id
    symbol: str
    qty: Annotated[DecimalText, Field(description="Negative if short.")]
    mark_price: DecimalText
    mark_at: TimeText
    market_value: DecimalText
    cost_basis: DecimalText
    unrealized_pnl: DecimalText


class SymbolPositionsRow(TypedDict):
    """The open positions of one account in one symbol together."""

    account_id: Id
    symbol: str
    positions: Count
    long_qty: DecimalText
    short_qty: DecimalText
    net_qty: Annotated[DecimalText, Field(description="Long less short.")]
    realized_pnl: DecimalText
    market_value: Annotated[DecimalText | None, Field(description="Null without a mark.")]
    cost_basis: DecimalText | None
    unrealized_pnl: DecimalText | None
    last_price: DecimalText | None
    last_price_at: TimeText | None


def marked_position_row(position: Position, mark: PositionMark | None) -> MarkedPositionRow:
    """Return the row of a position with its mark; without one its fields are null.

    The matched view is set by the reader.
    """
    row: MarkedPositionRow = {
        **position_row(position),
        "fees_value": None,
        "unvalued_fees": None,
        "matched_pnl": None,
        "break_even_price": None,
        "market_value": None,
        "cost_basis": None,
        "last_price": None,
        "last_price_at": None,
    }
    if mark is not None:
        price, at = decimal_text(mark.price), time_text(mark.at)
        row["mark_price"] = row["last_price"] = price
        row["mark_at"] = row["last_price_at"] = at
        row["unrealized_pnl"] = decimal_text(mark.profit)
        row["market_value"] = decimal_text(mark.value)
        row["cost_basis"] = decimal_text(mark.cost)
    return row


def position_mark_row(position: Position, mark: PositionMark) -> PositionMarkRow:
    """Return the mark of a position."""
    return {
        "account_id": position.account_id,
        "position_id": position.id,
        "symbol": position.symbol,
        "qty": decimal_text(position.qty),
        "mark_price": decimal_text(mark.price),
        "mark_at": time_text(mark.at),
        "market_value": decimal_text(mark.value),
        "cost_basis": decimal_text(mark.cost),
        "unrealized_pnl": decimal_text(mark.profit),
    }


def symbol_rows(
    positions: Iterable[Position], marks: Mapping[int, PositionMark]
) -> list[SymbolPositionsRow]:
    """Return the open positions by account and symbol."""
    groups: dict[tuple[int, str], list[Position]] = {}
    for position in positions:
        if position.is_open:
            groups.setdefault((position.account_id, position.symbol), []).append(position)
    return [_symbol_row(groups[key], marks) for key in sorted(groups)]


def _symbol_row(
    positions: Sequence[Position], marks: Mapping[int, PositionMark]
) -> SymbolPositionsRow:
    found = [marks[each.id] for each in positions if each.id in marks]
    is_marked = len(found) == len(positions)
    newest = max(found, key=lambda mark: mark.at, default=None)
    long = total(each.qty for each in positions if each.qty > 0)
    short = total(each.qty.copy_abs() for each in positions if each.qty < 0)
    return {
        "account_id": positions[0].account_id,
        "symbol": positions[0].symbol,
        "positions": len(positions),
        "long_qty": decimal_text(long),
        "short_qty": decimal_text(short),
        "net_qty": decimal_text(total(each.qty for each in positions)),
        "realized_pnl": decimal_text(total(each.realized_pnl for each in positions)),
        "market_value": _sum_text(is_marked, (mark.value for mark in found)),
        "cost_basis": _sum_text(is_marked, (mark.cost for mark in found)),
        "unrealized_pnl": _sum_text(is_marked, (mark.profit for mark in found)),
        "last_price": None if newest is None else decimal_text(newest.price),
        "last_price_at": None if newest is None else time_text(newest.at),
    }


def _sum_text(is_known: bool, amounts: Iterable[Decimal]) -> str | None:
    return optional_decimal_text(total(amounts)) if is_known else None
