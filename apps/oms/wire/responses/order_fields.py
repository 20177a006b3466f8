"""Fields of rows of orders that most orders have no values for."""

from typing_extensions import TypedDict

from oms.domain.orders.order import Order
from oms.wire.json import optional_decimal_text
from oms.wire.responses.value_types import DecimalText


class TrailingFields(TypedDict):
    """The distance of a trailing stop order, as a price or in percent; null for other orders."""

    trailing_amount: DecimalText | None
    trailing_percent: DecimalText | None


NO_TRAILING: TrailingFields = {"trailing_amount": None, "trailing_percent": None}


class ReplacementFields(TypedDict):
    """Orders that replace each other; an order keeps its id here, so there are none."""

    edit_replace_orphan_order_id: None
    edit_replace_origin_order_id: None
    replaced_by: None


NO_REPLACEMENT: ReplacementFields = {
    "edit_replace_orphan_order_id": None,
    "edit_replace_origin_order_id": None,
    "replaced_by": None,
}


def trailing_fields(order: Order) -> TrailingFields:
    """Return the distance of a trailing stop order."""
    return {
        "trailing_amount": optional_decimal_text(order.trailing_amount),
        "trailing_percent": optional_decimal_text(order.trailing_percent),
    }
