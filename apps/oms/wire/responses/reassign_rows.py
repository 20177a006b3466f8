"""Orders and deals of a reassignment in responses."""

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from oms.domain.ledger.deal import Deal
from oms.domain.orders.order import Order
from oms.wire.responses.command_rows import CommandResultRow
from oms.wire.responses.ledger_rows import deal_row, order_row
from oms.wire.responses.value_types import Count, DecimalText, Id, SideText, TimeText, one_of


class ReassignItem(TypedDict):
    """An order or a deal to be moved."""

    kind: Annotated[str, one_of("order", "deal")]
    id: Id
    account_id: Id
    symbol: str
    side: SideText
    reconciled: bool
    strategy_id: Count
    position_id: Count
    previous_position_id: Id | None
    edit_replace_state: str | None
    edit_replace_at: TimeText | None
    edit_replace_orphan_order_id: Id | None
    edit_replace_origin_order_id: Id | None
    status: str | None
    executed_at: TimeText | None
    created_at: TimeText
    exchange_id: str | None
    exchange_order_id: str | None
    qty: DecimalText
    price: DecimalText | None
    filled_qty: DecimalText | None
    avg_fill_price: DecimalText | None


class Reassigned(TypedDict):
    """The selected rows and how many were moved."""

    ok: bool
    deals_updated: Count
    orders_updated: Count
    deals_total: Count
    orders_total: Count
    preview: bool
    page: Count
    page_size: Count
    items: list[ReassignItem]
    command_id: NotRequired[int]
    command_ids: NotRequired[list[int]]
    results: NotRequired[list[CommandResultRow]]


def order_item(order: Order, exchange_id: str | None) -> ReassignItem:
    """Return the row of an order to be reassigned."""
    row = order_row(order)
    return {
        "kind": "order",
        "id": row["id"],
        "account_id": row["account_id"],
        "symbol": row["symbol"],
        "side": row["side"],
        "reconciled": row["reconciled"],
        "strategy_id": row["strategy_id"],
        "position_id": row["position_id"],
        "previous_position_id": row["previous_position_id"],
        "edit_replace_state": row["edit_replace_state"],
        "edit_replace_at": row["edit_replace_at"],
        "edit_replace_orphan_order_id": row["edit_replace_orphan_order_id"],
        "edit_replace_origin_order_id": row["edit_replace_origin_order_id"],
        "status": row["status"],
        "executed_at": None,
        "created_at": row["created_at"],
        "exchange_id": exchange_id,
        "exchange_order_id": row["exchange_order_id"],
        "qty": row["qty"],
        "price": row["price"],
        "filled_qty": row["filled_qty"],
        "avg_fill_price": row["avg_fill_price"],
    }


def deal_item(deal: Deal, exchange_id: str | None) -> ReassignItem:
    """Return the row of a deal to be reassigned."""
    row = deal_row(deal)
    return {
        "kind": "deal",
        "id": row["id"],
        "account_id": row["account_id"],
        "symbol": row["symbol"],
        "side": row["side"],
        "reconciled": row["reconciled"],
        "strategy_id": row["strategy_id"],
        "position_id": row["position_id"],
        "previous_position_id": row["previous_position_id"],
        "edit_replace_state": None,
        "edit_replace_at": None,
        "edit_replace_orphan_order_id": None,
        "edit_replace_origin_order_id": None,
        "status": None,
        "executed_at": row["executed_at"],
        "created_at": row["created_at"],
        "exchange_id": exchange_id,
        "exchange_order_id": row["exchange_order_id"],
        "qty": row["qty"],
        "price": row["price"],
        "filled_qty": None,
        "avg_fill_price": None,
    }
