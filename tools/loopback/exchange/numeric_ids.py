"""Ids of dialects with increasing integers: of orders, of algo orders, of executions.

A conditional order with an id of its own is an *algo order*; when triggered it places an ordinary
order with another id.
"""

from loopback.exchange.account import Account
from loopback.exchange.rows import ExecutionRow, OrderRow

#: Ids of algo orders are larger than those of orders.
ALGO_BASE = 1_000_000_000_000_000


def order_number(account: Account, row: OrderRow) -> int:
    """Returns the id of an order."""
    return account.id_base + row.number


def algo_number(account: Account, row: OrderRow) -> int:
    """Returns the id of an algo order."""
    return ALGO_BASE + order_number(account, row)


def trade_number(account: Account, row: ExecutionRow) -> int:
    """Returns the id of an execution."""
    return account.id_base + row.number
