"""The invariants of one order as pure rules: its fills are its deals, its state what they say."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.history_replay import busted_trade_ids
from oms.domain.money import ZERO, add, decimal_text, multiply
from oms.domain.orders.order import Order, OrderState
from oms.services.verify.findings import Finding, compare_values, make_finding
from oms.wire.responses.ledger_rows import order_status

OrderColumnValues = tuple[str, bool, Decimal | None]
"""Status, ``is_open`` and average price as they are stored beside the state."""


def check_order(order: Order, deals: Iterable[Deal]) -> list[Finding]:
    """Whether the order's fills are its deals that stand, and its state what they say."""
    deals = list(deals)
    busted = busted_trade_ids(deals)
    trades = [
        deal
        for deal in deals
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in busted
    ]
    filled = value = provisional = ZERO
    for deal in trades:
        filled = add(filled, deal.qty)
        value = add(value, multiply(deal.qty, deal.price))
        provisional = add(provisional, deal.qty if deal.provisional else ZERO)
    found = compare_values("order_filled_qty", "order", order.id, filled, order.filled_qty)
    found += compare_values("order_fill_value", "order", order.id, value, order.fill_value)
    found += compare_values(
        "order_fees", "order", order.id, _fees(trades), drop_zero_fees(order.fees)
    )
    found += compare_values(
        "order_provisional_qty", "order", order.id, provisional, order.provisional_qty
    )
    if order.filled_qty > order.qty and not _came_late(order, trades):
        found.append(
            make_finding("order_overfilled", "order", order.id, order.qty, order.filled_qty)
        )
    return found + _state_findings(order, has_busted=bool(busted))


def check_order_columns(order: Order, columns: OrderColumnValues) -> list[Finding]:
    """Whether what is stored beside the state, for reading by others, is what it gives."""
    status, is_open, average = columns
    expected = "open" if order.is_open else "closed"
    found = compare_values(
        "order_is_open", "order", order.id, expected, "open" if is_open else "closed"
    )
    found += compare_values("order_status", "order", order.id, order_status(order.state), status)
    return found + compare_values(
        "order_avg_price", "order", order.id, order.avg_fill_price, average
    )


def _state_findings(order: Order, *, has_busted: bool) -> list[Finding]:
    found: list[Finding] = []
    filled = order.filled_qty
    match order.state:
        case OrderState.FILLED:
            fits, rule = filled >= order.qty, "filled whole"
        case OrderState.PARTIALLY_FILLED:
            fits, rule = ZERO < filled < order.qty, "filled in part"
        case OrderState.CANCELED | OrderState.EXPIRED | OrderState.REJECTED:
            fits, rule = filled < order.qty or has_busted, "not filled whole"
        case OrderState.PENDING_SUBMIT | OrderState.UNKNOWN | OrderState.SUBMITTED:
            fits, rule = filled == 0, "not filled"
    if not fits:
        told = f"{decimal_text(filled)} of {decimal_text(order.qty)}"
        expected = f"{order.state.value}: {rule}"
        found.append(make_finding("order_state", "order", order.id, expected, told))
    if (order.closed_at is None) is not order.is_open:
        expected = "none" if order.is_open else "a time"
        found.append(make_finding("order_closed_at", "order", order.id, expected, order.closed_at))
    return found


def _came_late(order: Order, trades: Sequence[Deal]) -> bool:
    """Whether something was executed after the order's last word: that is booked as told."""
    return order.closed_at is not None and any(d.created_at > order.closed_at for d in trades)


def _fees(deals: Iterable[Deal]) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for deal in deals:
        if deal.fee is not None and deal.fee_currency is not None:
            fees[deal.fee_currency] = add(fees.get(deal.fee_currency, ZERO), deal.fee)
    return drop_zero_fees(fees)


def drop_zero_fees(fees: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Fees without the currencies in which nothing is left."""
    return {currency: fee for currency, fee in fees.items() if fee}
