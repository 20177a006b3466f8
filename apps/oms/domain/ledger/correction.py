"""Corrections: executions not reported by the exchange, booked to match its holdings.

They belong to strategy 0 and are not reconciled, like external orders. If the exchange holds two
legs and has less of one, positions of that leg are closed, oldest first, regardless of strategy: an
opposite position would be on the other leg.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, round_to_scale, subtract
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


def opening_price(
    instrument: Instrument,
    *,
    exchange_qty: Decimal,
    average: Decimal,
    positions: Sequence[Position],
) -> Decimal | None:
    """Return the price at which ``positions`` get the ``average`` that the exchange reports.

    For a correction that opens them, or adds at least what they hold: a smaller one would multiply
    what the exchange rounded. ``None`` for every other one.
    """
    held, cost = ZERO, Fraction(0)
    for position in positions:
        held, cost = add(held, position.qty), cost + position.cost
    delta = subtract(exchange_qty, held)
    is_long = exchange_qty > 0
    if (delta > 0) is not is_long or delta.copy_abs() < held.copy_abs():
        return None
    if any((position.qty > 0) is not is_long for position in positions):
        return None
    value = (Fraction(exchange_qty) * instrument.value(average) - cost) / Fraction(delta)
    price = instrument.price_of(value) if value else Fraction(0)
    return round_to_scale(price) if price > 0 else None


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
