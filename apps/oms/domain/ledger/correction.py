"""Corrections: executions that no exchange told, booked so that the book is the exchange's again.

They are nobody's: of strategy 0 and not reconciled, as what came past the gateway is. Where the
exchange holds two legs and shows less of one, what is held there is closed, the oldest first,
whosever it is: an opposite position would stand on the other leg.
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
    """What is to be booked."""

    side: Side
    qty: Decimal
    #: Closes what is held on the leg instead of standing beside it.
    closes: bool


def required_correction(*, there: Decimal, here: Decimal, leg: Side | None) -> Correction:
    """What leads from ``here`` to ``there``, both signed and not equal; ``leg`` of the holding."""
    delta = subtract(there, here)
    assert delta, "what is the same needs no correction"
    side = Side.BUY if delta > 0 else Side.SELL
    return Correction(side=side, qty=delta.copy_abs(), closes=leg is not None and side is not leg)


def build_correction_order(
    wanted: Correction,
    *,
    symbol: str,
    name: str,
    comment: str,
    order_id: int,
    account_id: int,
    mode: PositionMode,
    now: datetime,
) -> Order:
    """The order that a correction is an execution of; ``name`` is unique to what it is for."""
    report = ExecutionReport(
        kind=ReportKind.EXECUTION,
        order_id=0,
        source=ReportSource.OPERATOR,
        received_at=now,
        exchange_order_id=name,
    )
    external = ExternalOrderInfo(
        symbol=symbol,
        side=wanted.side,
        order_type="market",
        qty=wanted.qty,
        reduce_only=wanted.closes,
        reason=CORRECTION_REASON if wanted.closes else EXTERNAL_REASON,
        created_at=now,
    )
    order = build_external_order(
        external, report, None, order_id=order_id, account_id=account_id, mode=mode
    )
    return evolve(order, comment=comment)
