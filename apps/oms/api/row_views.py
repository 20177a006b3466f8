"""Rows of orders, deals and positions in the requested view: native or ``view=mt5``."""

from collections.abc import Sequence
from typing import Any

from oms.api.context import ApiContext
from oms.domain.errors import Unavailable
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.wire.json import optional_decimal_text, optional_time_text
from oms.wire.query_parameters import Query, is_mt5_view
from oms.wire.responses.ledger_rows import deal_row, order_row, position_row
from oms.wire.responses.mt5_views import deal_views, order_view, position_view

Rows = list[dict[str, Any]]


def order_rows(orders: Sequence[Order], query: Query) -> Rows:
    """Return rows of orders. Raises ``Malformed`` for an unknown view."""
    build_row = order_view if is_mt5_view(query) else order_row
    return [build_row(order) for order in orders]


def deal_rows(deals: Sequence[Deal], query: Query) -> Rows:
    """Return rows of deals. Raises ``Malformed`` for an unknown view."""
    return deal_views(deals) if is_mt5_view(query) else [deal_row(deal) for deal in deals]


async def position_rows(context: ApiContext, positions: Sequence[Position], query: Query) -> Rows:
    """Return rows of positions, open ones with mark prices. Raises ``Malformed``."""
    mt5 = is_mt5_view(query)
    try:
        marks = {} if context.mark_prices is None else await context.mark_prices(positions)
    except Unavailable:
        marks = {}  # positions are returned without their valuation
    rows: Rows = []
    for position in positions:
        mark = marks.get(position.id)
        price, profit = (None, None) if mark is None else (mark.price, mark.profit)
        if mt5:
            rows.append(position_view(position, price, profit))
            continue
        rows.append(
            position_row(position)
            | {
                "mark_price": optional_decimal_text(price),
                "mark_at": optional_time_text(None if mark is None else mark.at),
                "unrealized_pnl": optional_decimal_text(profit),
            }
        )
    return rows
