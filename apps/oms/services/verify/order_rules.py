"""Invariants of an order, as pure functions: fills equal its deals, state follows from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.replay_steps import busted_trade_ids
from oms.domain.money import ZERO, add, decimal_text, multiply
from oms.domain.orders.order import Order, OrderState
from oms.services.verify.findings import Finding, compare_values, make_finding
from oms.wire.responses.ledger_rows import order_status

OrderColumnValues = tuple[str, bool, Decimal | None]
"""Stored status, ``is_open`` and average price, which are derived from the state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillTotals:
    """Sums over the executions of one order."""

    filled_qty: Decimal
    fill_value: Decimal
    provisional_qty: Decimal
    #: By currency, in the order of the deals.
    fees: Mapping[str, Decimal]


def check_order(order: Order, deals: Iterable[Deal]) -> list[Finding]:
    """Check that fills equal the valid deals and that the state fits them."""
    deals = list(deals)
    busted = busted_trade_ids(deals)
    trades = [
        deal
        for deal in deals
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in busted
    ]
    totals = sum_fills(trades)
    fees, booked_fees = drop_zero_fees(totals.fees), drop_zero_fees(order.fees)
    findings: list[Finding] = []
    for name, expected, actual in (
        ("order_filled_qty", totals.filled_qty, order.filled_qty),
        ("order_fill_value", totals.fill_value, order.fill_value),
        ("order_fees", fees, booked_fees),
        ("order_provisional_qty", totals.provisional_qty, order.provisional_qty),
    ):
        findings += compare_values(name, "order", order.id, expected, actual)
    if order.filled_qty > order.qty and not _has_late_fill(order, trades):
        findings.append(
            make_finding("order_overfilled", "order", order.id, order.qty, order.filled_qty)
        )
    return findings + _state_findings(order, has_busted=bool(busted))


def sum_fills(trades: Iterable[Deal]) -> FillTotals:
    """Return the totals of executions that are not busted."""
    filled_qty = fill_value = provisional_qty = ZERO
    fees: dict[str, Decimal] = {}
    for deal in trades:
        filled_qty = add(filled_qty, deal.qty)
        fill_value = add(fill_value, multiply(deal.qty, deal.price))
        provisional_qty = add(provisional_qty, deal.qty if deal.provisional else ZERO)
        if deal.fee is not None and deal.fee_currency is not None:
            fees[deal.fee_currency] = add(fees.get(deal.fee_currency, ZERO), deal.fee)
    return FillTotals(
        filled_qty=filled_qty, fill_value=fill_value, provisional_qty=provisional_qty, fees=fees
    )


def check_order_columns(order: Order, columns: OrderColumnValues) -> list[Finding]:
    """Check that the derived columns follow from the state."""
    status, is_open, average = columns
    expected = "open" if order.is_open else "closed"
    findings = compare_values(
        "order_is_open", "order", order.id, expected, "open" if is_open else "closed"
    )
    findings += compare_values("order_status", "order", order.id, order_status(order.state), status)
    return findings + compare_values(
        "order_avg_price", "order", order.id, order.avg_fill_price, average
    )


def _state_findings(order: Order, *, has_busted: bool) -> list[Finding]:
    findings: list[Finding] = []
    filled = order.filled_qty
    match order.state:
        case OrderState.FILLED:
            fits, rule = filled >= order.qty, "filled completely"
        case OrderState.PARTIALLY_FILLED:
            fits, rule = ZERO < filled < order.qty, "filled partially"
        case OrderState.CANCELED | OrderState.EXPIRED | OrderState.REJECTED:
            fits, rule = filled < order.qty or has_busted, "not filled completely"
        case OrderState.PENDING_SUBMIT | OrderState.UNKNOWN | OrderState.SUBMITTED:
            fits, rule = filled == 0, "not filled"
    if not fits:
        actual = f"{decimal_text(filled)} of {decimal_text(order.qty)}"
        expected = f"{order.state.value}: {rule}"
        findings.append(make_finding("order_state", "order", order.id, expected, actual))
    if (order.closed_at is None) is not order.is_open:
        expected = "none" if order.is_open else "a time"
        findings.append(
            make_finding("order_closed_at", "order", order.id, expected, order.closed_at)
        )
    return findings


def _has_late_fill(order: Order, trades: Sequence[Deal]) -> bool:
    """Whether an execution came after the order was closed; it is booked as reported."""
    return order.closed_at is not None and any(d.created_at > order.closed_at for d in trades)


def drop_zero_fees(fees: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return fees without zero amounts."""
    return {currency: fee for currency, fee in fees.items() if fee}
