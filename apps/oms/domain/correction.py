"""Corrections: executions that no exchange told, booked so that the book is the exchange's again.

They are nobody's: of strategy 0 and not reconciled, as what came past the gateway is. Where the
exchange holds two legs and shows less of one, what is held there is closed, the oldest first,
whosever it is: an opposite position would stand on the other leg.
"""

from datetime import datetime
from decimal import Decimal

from oms.domain.account import PositionMode
from oms.domain.external import EXTERNAL, external_order
from oms.domain.money import difference
from oms.domain.order import Order
from oms.domain.report import External, Heard, Report, ReportKind
from oms.domain.side import Side
from oms.domain.value import evolve, value

REASON = "correction"


@value
class Correction:
    """What is to be booked."""

    side: Side
    qty: Decimal
    #: Closes what is held on the leg instead of standing beside it.
    closes: bool


def correction_for(*, there: Decimal, here: Decimal, leg: Side | None) -> Correction:
    """What leads from ``here`` to ``there``, both signed and not equal; ``leg`` of the holding."""
    delta = difference(there, here)
    assert delta, "what is the same needs no correction"
    side = Side.BUY if delta > 0 else Side.SELL
    return Correction(side=side, qty=delta.copy_abs(), closes=leg is not None and side is not leg)


def correction_order(
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
    report = Report(
        kind=ReportKind.EXECUTION,
        order_id=0,
        heard=Heard.OPERATOR,
        heard_at=now,
        exchange_order_id=name,
    )
    external = External(
        symbol=symbol,
        side=wanted.side,
        order_type="market",
        qty=wanted.qty,
        reduce_only=wanted.closes,
        reason=REASON if wanted.closes else EXTERNAL,
        created_at=now,
    )
    order = external_order(
        external, report, None, order_id=order_id, account_id=account_id, mode=mode
    )
    return evolve(order, comment=comment)
