"""Corrections: executions not reported by the exchange, booked to match its holdings.

They belong to strategy 0 and are not reconciled, like external orders. If the exchange holds two
legs and has less of one, positions of that leg are closed, oldest first, regardless of strategy: an
opposite position would be on the other leg.
"""

from datetime import datetime
from decimal import Decimal

from oms.domain.account import PositionMode
from oms.domain.money import subtract
from oms.domain.orders.execution_report import (
    ExecutionReport,
    ExternalOrderInfo,
    ReportKind,
    ReportSource,
)
from oms.domain.orders.external_order import EXTERNAL_REASON, build_external_order
from oms.domain.orders.order import Order
from oms.domain.side import Side
from oms.domain.value import evolve, value

CORRECTION_REASON = "correction"


@value
class Correction:
    """The execution to be booked."""

    side: Side
    qty: Decimal
    #: Closes positions of the leg instead of opening an opposite one.
    closes: bool


def required_correction(
    *, exchange_qty: Decimal, ledger_qty: Decimal, leg: Side | None
) -> Correction:
    """Return the correction from ``ledger_qty`` to ``exchange_qty`` (signed, different) of a
    ``leg``.
    """
    delta = subtract(exchange_qty, ledger_qty)
    assert delta, "equal quantities need no correction"
    side = Side.BUY if delta > 0 else Side.SELL
    return Correction(side=side, qty=delta.copy_abs(), closes=leg is not None and side is not leg)


def build_correction_order(
    correction: Correction,
    *,
    symbol: str,
    name: str,
    comment: str,
    order_id: int,
    account_id: int,
    mode: PositionMode,
    now: datetime,
) -> Order:
    """Return the order of a correction execution; ``name`` is its unique exchange order id."""
    report = ExecutionReport(
        kind=ReportKind.EXECUTION,
        order_id=0,
        source=ReportSource.OPERATOR,
        received_at=now,
        exchange_order_id=name,
    )
    external = ExternalOrderInfo(
        symbol=symbol,
        side=correction.side,
        order_type="market",
        qty=correction.qty,
        reduce_only=correction.closes,
        reason=CORRECTION_REASON if correction.closes else EXTERNAL_REASON,
        created_at=now,
    )
    order = build_external_order(
        external, report, None, order_id=order_id, account_id=account_id, mode=mode
    )
    return evolve(order, comment=comment)
