"""Execution quality: what orders cost against the market at their admission, and how long it took.

A cost is positive where the price was worse than the middle of the quote at admission.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.money import ZERO, add, divide, multiply, subtract
from oms.domain.performance.account_value import currencies_of
from oms.domain.side import Side
from oms.domain.value import value

_BASIS_POINTS = Decimal(10_000)


@value
class Execution:
    """An order as far as its execution is concerned; unknown figures are ``None``."""

    account_id: int
    strategy_id: int
    #: Source of its signal; 0: of none.
    source_id: int
    symbol: str
    side: Side
    filled_qty: Decimal
    avg_fill_price: Decimal | None
    #: The middle of the quote at admission.
    arrival_price: Decimal | None
    is_rejected: bool
    #: When its command was stored, when it was admitted, sent, and answered by the exchange.
    queued_at: datetime | None
    admitted_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None


@value
class ExecutionStatistics:
    """Means over orders; ``None`` where no order has the figure."""

    orders: int
    filled_orders: int
    rejected_orders: int
    #: Filled orders with an arrival price.
    measured_orders: int
    avg_slippage_bps: Decimal | None
    worst_slippage_bps: Decimal | None
    #: By settle currency.
    slippage: Mapping[str, Decimal]
    avg_queue_ms: Decimal | None
    avg_send_ms: Decimal | None
    avg_exchange_ms: Decimal | None


def slippage_bps(
    side: Side, arrival_price: Decimal | None, avg_fill_price: Decimal | None
) -> Decimal | None:
    """Return the slippage in basis points of the arrival price; ``None`` if it is unknown."""
    if not arrival_price or avg_fill_price is None:
        return None
    worse = _worse_by(side, arrival_price, avg_fill_price)
    return divide(multiply(worse, _BASIS_POINTS), arrival_price)


def slippage_value(
    symbol: str,
    side: Side,
    arrival_price: Decimal | None,
    avg_fill_price: Decimal | None,
    filled_qty: Decimal,
) -> Decimal | None:
    """Return the slippage in the settle currency; ``None`` unless prices are quoted in that."""
    currencies = currencies_of(symbol)
    if arrival_price is None or avg_fill_price is None or currencies.settle != currencies.quote:
        return None
    return multiply(_worse_by(side, arrival_price, avg_fill_price), filled_qty)


def compute_execution(rows: Sequence[Execution]) -> ExecutionStatistics:
    """Return the statistics of these orders."""
    basis_points = [
        figure
        for row in rows
        if (figure := slippage_bps(row.side, row.arrival_price, row.avg_fill_price)) is not None
    ]
    slippage: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        cost = slippage_value(
            row.symbol, row.side, row.arrival_price, row.avg_fill_price, row.filled_qty
        )
        if cost is not None:
            settle = currencies_of(row.symbol).settle
            slippage[settle] = add(slippage[settle], cost)
    return ExecutionStatistics(
        orders=len(rows),
        filled_orders=sum(row.filled_qty > 0 for row in rows),
        rejected_orders=sum(row.is_rejected for row in rows),
        measured_orders=len(basis_points),
        avg_slippage_bps=_mean(basis_points),
        worst_slippage_bps=max(basis_points, default=None),
        slippage=dict(slippage),
        avg_queue_ms=_mean(_durations((row.queued_at, row.admitted_at) for row in rows)),
        avg_send_ms=_mean(_durations((row.admitted_at, row.sent_at) for row in rows)),
        avg_exchange_ms=_mean(_durations((row.sent_at, row.answered_at) for row in rows)),
    )


def _worse_by(side: Side, arrival_price: Decimal, avg_fill_price: Decimal) -> Decimal:
    if side is Side.BUY:
        return subtract(avg_fill_price, arrival_price)
    return subtract(arrival_price, avg_fill_price)


def _durations(pairs: Iterable[tuple[datetime | None, datetime | None]]) -> list[Decimal]:
    """Return milliseconds of the pairs of which both times are known.

    A command is stored with a time after that of the one before it, which may be some microseconds
    ahead of the clock, and clocks of two hosts differ: no duration is below zero.
    """
    return [
        divide(Decimal(max((last - first) // timedelta(microseconds=1), 0)), Decimal(1000))
        for first, last in pairs
        if first is not None and last is not None
    ]


def _mean(figures: Sequence[Decimal]) -> Decimal | None:
    total = ZERO
    for figure in figures:
        total = add(total, figure)
    return divide(total, Decimal(len(figures))) if figures else None
