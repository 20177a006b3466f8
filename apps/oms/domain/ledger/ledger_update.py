"""``LedgerUpdate``: the rows and events that result from a report or a command on positions.

Contains fine-grained events only; changed rows are reported by the writer of the rows.
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
"""A rejection that leaves the order unchanged."""
CHANGE_REQUESTED = "replace_requested"
"""A change in progress."""


@value
class LedgerUpdate:
    """Changed rows in their new form; empty if a report was stale or a duplicate."""

    order: Order | None = None
    #: Other orders whose position changed.
    orders: tuple[Order, ...] = ()
    #: New deals.
    deals: tuple[Deal, ...] = ()
    #: Deals whose position, entry, profit, share or fee rate changed; their facts did not.
    deals_changed: tuple[Deal, ...] = ()
    #: Provisional deals replaced by actual ones.
    deals_removed: tuple[Deal, ...] = ()
    positions: tuple[Position, ...] = ()
    events: tuple[Event, ...] = ()
    #: Why the order changed, as a FIX-like execution type.
    exec_type: str | None = None
    #: The fill arrived after the order was final.
    late_fill: bool = False
