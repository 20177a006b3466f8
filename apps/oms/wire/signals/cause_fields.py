"""What caused an order, in its row and in those of its executions."""

from typing_extensions import TypedDict

from oms.domain.ledger.deal import Deal
from oms.domain.orders.order import Order
from oms.wire.responses.value_types import Id


class CauseFields(TypedDict):
    """The signal that is executed, and its source or bot; null: none."""

    signal_id: Id | None
    source_id: Id | None
    bot_id: Id | None


def cause_fields(row: Order | Deal) -> CauseFields:
    """Return the fields of an order or a deal."""
    return {"signal_id": row.signal_id, "source_id": row.source_id, "bot_id": row.bot_id}
