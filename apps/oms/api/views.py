"""Rows as the caller asked for them: ours, or with ``view=mt5`` in MetaTrader's words."""

from collections.abc import Sequence
from typing import Any

from oms.api.deps import Doors
from oms.domain.deal import Deal
from oms.domain.errors import Unavailable
from oms.domain.order import Order
from oms.domain.position import Position
from oms.wire.json import optional_decimal, optional_time
from oms.wire.ledger import deal_row, order_row, position_row
from oms.wire.mt5 import deal_views, order_view, position_view
from oms.wire.queries import Query, is_mt5

Rows = list[dict[str, Any]]


def order_rows(orders: Sequence[Order], query: Query) -> Rows:
    """Orders. Raises ``Malformed`` for a view that is not known."""
    shown = order_view if is_mt5(query) else order_row
    return [shown(order) for order in orders]


def deal_rows(deals: Sequence[Deal], query: Query) -> Rows:
    """Deals. Raises ``Malformed`` for a view that is not known."""
    return deal_views(deals) if is_mt5(query) else [deal_row(deal) for deal in deals]


async def position_rows(parts: Doors, positions: Sequence[Position], query: Query) -> Rows:
    """Positions, those that are open with their marks. Raises ``Malformed``."""
    mt5 = is_mt5(query)
    try:
        marks = {} if parts.marks is None else await parts.marks(positions)
    except Unavailable:
        marks = {}  # what the position is does not depend on what it is worth
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
                "mark_price": optional_decimal(price),
                "mark_at": optional_time(None if mark is None else mark.at),
                "unrealized_pnl": optional_decimal(profit),
            }
        )
    return rows
