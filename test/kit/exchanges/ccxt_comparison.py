"""A desk's book beside the loopback exchange's: whether they are equal."""

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


def orders_in_doubt(desk: CcxtHarness) -> list[int]:
    """Orders of which it is not known how they stand."""
    open_states = (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN)
    return [o.id for o in desk.orders.values() if o.state in open_states or o.pending_change]


def books_match(desk: CcxtHarness, venue: LoopbackExchange) -> bool:
    """Whether our orders and fills are the exchange's, to the last digit."""
    books = venue.books()
    shown = {row["client_id"]: row for row in books["orders"]}
    assert len(shown) == len(books["orders"]), "no name was accepted twice"
    for order in desk.orders.values():
        row = shown.get(desk.attempts[order.id, 1, "place"].client_id)
        if row is None:
            if order.state is not OrderState.REJECTED:
                return False
            continue
        mine = (order.filled_qty, order.qty, order.price)
        price = None if row["price"] is None else Decimal(row["price"])
        theirs = (Decimal(row["filled"]), Decimal(row["qty"]), price)
        if mine != theirs or order.state is not STATES[row["state"]]:
            return False
    fills = {r.execution.exchange_trade_id: r.execution for r in desk.reports if r.execution}
    mine = Counter((fill.qty, fill.price, fill.fee) for fill in fills.values())
    return mine == Counter(
        (Decimal(trade["qty"]), Decimal(trade["price"]), Decimal(trade["fee"]))
        for trade in books["trades"]
    )
