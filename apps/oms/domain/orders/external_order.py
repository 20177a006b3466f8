"""Orders that are not ours: what the exchange made by itself, and what came past the gateway.

Exits attached to an order of ours keep its strategy and go to its position. What the exchange
forces (a liquidation, say) is nobody's order: it closes the positions it meets, whosever they are.
All else is *external*: strategy 0 and not reconciled until somebody reassigns it.
"""

from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import ExecutionReport, ExternalOrderInfo, ReportKind
from oms.domain.orders.order import Order, OrderState

EXTERNAL_REASON = "external"
"""The reason of an order that nobody can explain yet."""

FORCED_REASONS = frozenset({"liquidation", "adl", "settlement", "correction"})
"""Reasons for which an exchange closes positions without being asked."""

_BEGIN = frozenset(
    {
        ReportKind.ACCEPTED,
        ReportKind.EXECUTION,
        ReportKind.CANCELED,
        ReportKind.EXPIRED,
        ReportKind.REJECTED,
    }
)


def build_external_order(
    external: ExternalOrderInfo,
    report: ExecutionReport,
    parent: Order | None,
    *,
    order_id: int,
    account_id: int,
    mode: PositionMode,
) -> Order:
    """The row of an order that ``report`` tells of for the first time, before that report."""
    is_stranger = external.reason == EXTERNAL_REASON
    hedged = mode is PositionMode.HEDGE
    return Order(
        id=order_id,
        account_id=account_id,
        command_id=None,
        symbol=external.symbol,
        side=external.side,
        order_type=external.order_type,
        qty=external.qty,
        price=external.price,
        # What is not a beginning proves that the order was there before.
        state=OrderState.PENDING_SUBMIT if report.kind in _BEGIN else OrderState.SUBMITTED,
        strategy_id=0 if parent is None else parent.strategy_id,
        position_id=0 if parent is None else parent.position_id,
        reason=external.reason,
        exchange_order_id=report.exchange_order_id,
        reduce_only=external.reduce_only,
        new_position=hedged and is_stranger and not external.reduce_only,
        trigger_price=external.trigger_price,
        parent_order_id=external.parent_order_id,
        reconciled=not is_stranger,
        created_at=external.created_at,
        updated_at=report.received_at,
    )


def is_forced_close(order: Order) -> bool:
    """Whether the exchange closes positions of all strategies by it."""
    return order.command_id is None and order.reason in FORCED_REASONS and not order.strategy_id
