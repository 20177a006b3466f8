"""Rows of orders, deals and positions in the requested view: native or ``view=mt5``."""

from collections.abc import Mapping, Sequence

from oms.api.context import ApiContext
from oms.domain.errors import Unavailable
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.matched_view import MatchedView
from oms.domain.ledger.position import Position
from oms.domain.money import decimal_text
from oms.domain.orders.order import Order
from oms.ports.mark_prices import PositionMark
from oms.wire.json import optional_decimal_text
from oms.wire.performance.marked_positions import MarkedPositionRow, marked_position_row
from oms.wire.query_parameters import Query, is_mt5_view
from oms.wire.responses.ledger_rows import (
    DealRow,
    OrderRow,
    deal_row,
    order_row,
)
from oms.wire.responses.mt5_rows import Mt5DealRow, Mt5OrderRow, Mt5PositionRow
from oms.wire.responses.mt5_views import deal_views, order_view, position_view

OrderView = OrderRow | Mt5OrderRow
DealView = DealRow | Mt5DealRow
PositionView = MarkedPositionRow | Mt5PositionRow


def order_rows(orders: Sequence[Order], query: Query) -> list[OrderView]:
    """Return rows of orders. Raises ``Malformed`` for an unknown view."""
    if is_mt5_view(query):
        return [order_view(order) for order in orders]
    return [order_row(order) for order in orders]


def deal_rows(deals: Sequence[Deal], query: Query) -> list[DealView]:
    """Return rows of deals. Raises ``Malformed`` for an unknown view."""
    if is_mt5_view(query):
        return [*deal_views(deals)]
    return [deal_row(deal) for deal in deals]


async def position_rows(
    context: ApiContext, positions: Sequence[Position], query: Query
) -> list[PositionView]:
    """Return rows of positions, with their matched view, and marks of open ones.

    Raises ``Malformed``.
    """
    mt5 = is_mt5_view(query)
    marks = await marks_of(context, positions)
    if not mt5:
        return [*await marked_rows(context, positions, marks)]
    rows: list[PositionView] = []
    for position in positions:
        mark = marks.get(position.id)
        price, profit = (None, None) if mark is None else (mark.price, mark.profit)
        rows.append(position_view(position, price, profit))
    return rows


async def marked_rows(
    context: ApiContext, positions: Sequence[Position], marks: Mapping[int, PositionMark]
) -> list[MarkedPositionRow]:
    """Return native rows of positions with these marks and their matched view."""
    figures = await _figures_of(context, positions)
    rows = []
    for position in positions:
        row = marked_position_row(position, marks.get(position.id))
        _set_figures(row, figures.get(position.id))
        rows.append(row)
    return rows


async def _figures_of(
    context: ApiContext, positions: Sequence[Position]
) -> Mapping[int, MatchedView]:
    """Return the matched views of positions by id; none if they cannot be read now."""
    try:
        return {} if context.position_figures is None else await context.position_figures(positions)
    except Unavailable:
        return {}  # positions are returned without what could not be read


def _set_figures(row: MarkedPositionRow, view: MatchedView | None) -> None:
    """Set the figures of the matched view."""
    if view is None:
        return
    fees = {currency: decimal_text(fee) for currency, fee in view.unvalued_fees.items()}
    row["fees_value"] = optional_decimal_text(view.fees)
    row["unvalued_fees"] = fees
    row["matched_pnl"] = optional_decimal_text(view.profit)
    row["break_even_price"] = optional_decimal_text(view.break_even)


async def marks_of(
    context: ApiContext, positions: Sequence[Position]
) -> Mapping[int, PositionMark]:
    """Return the marks of positions by id; none if they cannot be read now."""
    try:
        return {} if context.mark_prices is None else await context.mark_prices(positions)
    except Unavailable:
        return {}  # positions are returned without their valuation
