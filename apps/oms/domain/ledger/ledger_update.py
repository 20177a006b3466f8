"""What follows from a fact or a command on positions: the rows to write, and why.

Fine-grained events only; changed rows are told in full by whoever writes them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from oms.domain.event import Event
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.execution_report import ReportKind
from oms.domain.orders.order import Order
from oms.domain.value import value

EXEC_TYPES: Mapping[ReportKind, str] = MappingProxyType(
    {
        ReportKind.ACCEPTED: "new",
        ReportKind.TRIGGERED: "triggered",
        ReportKind.EXECUTION: "trade",
        ReportKind.CHANGED: "replaced",
        ReportKind.CANCELED: "canceled",
        ReportKind.EXPIRED: "expired",
        ReportKind.REJECTED: "rejected",
        ReportKind.REFUSED: "refused",
        ReportKind.UNKNOWN: "unknown",
        ReportKind.NOT_PLACED: "not_placed",
        ReportKind.BUSTED: "trade_cancel",
    }
)


CHANGE_REJECTED = "change_rejected"
"""A rejection that leaves the order as it was."""
CHANGE_REQUESTED = "replace_requested"
"""A change that is on its way, or one step further."""


@value
class LedgerUpdate:
    """Rows in their new form; empty when a report was stale or told before."""

    order: Order | None = None
    #: Other orders whose position changed.
    orders: tuple[Order, ...] = ()
    #: New deals.
    deals: tuple[Deal, ...] = ()
    #: Deals whose position, entry, profit or share changed; their facts did not.
    deals_changed: tuple[Deal, ...] = ()
    #: Provisional deals that the real ones replace.
    deals_removed: tuple[Deal, ...] = ()
    positions: tuple[Position, ...] = ()
    events: tuple[Event, ...] = ()
    #: Why the order changed, in the words of the field.
    exec_type: str | None = None
    #: The fill came after the order's last word.
    late_fill: bool = False
