"""External orders: created by the exchange itself or by other clients of the account.

Exits attached to one of our orders keep its strategy and close its position. Orders forced by the
exchange (for example a liquidation) close the positions of all strategies. All others are
*external*: strategy 0 and not reconciled until they are reassigned.
"""

from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import ExecutionReport, ExternalOrderInfo, ReportKind
from oms.domain.orders.order import Order, OrderState, Side

EXTERNAL_REASON = "external"
"""Reason of an order of unknown origin."""

FORCED_REASONS = frozenset({"liquidation", "adl", "settlement", "correction"})
"""Reasons of orders by which an exchange closes positions without a request."""

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
    is_spot: bool = False,
) -> Order:
    """Return the order row before ``report``, which is the first report about the order.

    A sale of coins (``is_spot``) from elsewhere is reduce-only: spot has no short.
    """
    is_external = external.reason == EXTERNAL_REASON
    hedged = mode is PositionMode.HEDGE
    reduce_only = external.reduce_only or (is_spot and is_external and external.side is Side.SELL)
    return Order(
        id=order_id,
        account_id=account_id,
        command_id=None,
        symbol=external.symbol,
        side=external.side,
        order_type=external.order_type,
        qty=external.qty,
        price=external.price,
        # Other kinds of reports imply that the order was accepted before.
        state=OrderState.PENDING_SUBMIT if report.kind in _BEGIN else OrderState.SUBMITTED,
        strategy_id=0 if parent is None else parent.strategy_id,
        position_id=0 if parent is None else parent.position_id,
        reason=external.reason,
        exchange_order_id=report.exchange_order_id,
        reduce_only=reduce_only,
        new_position=hedged and is_external and not reduce_only,
        trigger_price=external.trigger_price,
        parent_order_id=external.parent_order_id,
        group_id=None if parent is None else parent.group_id,
        reconciled=not is_external,
        created_at=external.created_at,
        updated_at=report.received_at,
    )


def is_external(order: Order) -> bool:
    """Return whether another program, a person or another account sent the order."""
    return order.command_id is None and order.reason == EXTERNAL_REASON


def is_sale_elsewhere(order: Order) -> bool:
    """Return whether the order is an external sale that only closes, of whatever strategy.

    One that was reassigned to a strategy closes for that strategy only.
    """
    return (
        is_external(order)
        and order.reduce_only
        and order.side is Side.SELL
        and not order.strategy_id
    )


def is_forced_close(order: Order) -> bool:
    """Return whether the exchange closes positions of all strategies by the order."""
    return order.command_id is None and order.reason in FORCED_REASONS and not order.strategy_id
