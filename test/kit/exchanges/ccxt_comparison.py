"""Compares the orders and fills of a harness with the books of the loopback exchange."""

from collections import Counter
from decimal import Decimal

from kit.exchanges.ccxt_harness import CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.orders.order import OrderState

STATES = {
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "new": OrderState.SUBMITTED,
    "partly_filled": OrderState.PARTIALLY_FILLED,
}


def orders_in_doubt(harness: CcxtHarness) -> list[int]:
    """Ids of orders whose outcome is unknown."""
    open_states = (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN)
    return [o.id for o in harness.orders.values() if o.state in open_states or o.pending_change]


def books_match(harness: CcxtHarness, venue: LoopbackExchange) -> bool:
    """Whether our orders and fills equal those of the exchange exactly."""
    books = venue.books()
    exchange_orders = {row["client_id"]: row for row in books["orders"]}
    assert len(exchange_orders) == len(books["orders"]), "each client order id was accepted once"
    for order in harness.orders.values():
        row = exchange_orders.get(harness.attempts[order.id, 1, "place"].client_id)
        if row is None:
            if order.state is not OrderState.REJECTED:
                return False
            continue
        own = (order.filled_qty, order.qty, order.price)
        price = None if row["price"] is None else Decimal(row["price"])
        exchange_values = (Decimal(row["filled"]), Decimal(row["qty"]), price)
        if own != exchange_values or order.state is not STATES[row["state"]]:
            return False
    fills = {r.execution.exchange_trade_id: r.execution for r in harness.reports if r.execution}
    own = Counter((fill.qty, fill.price, fill.fee) for fill in fills.values())
    return own == Counter(
        (Decimal(trade["qty"]), Decimal(trade["price"]), Decimal(trade["fee"]))
        for trade in books["trades"]
    )
