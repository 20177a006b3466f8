"""Which rows of the venue are algo orders, and which ordinary orders they have placed.

An attached take profit and stop loss are two orders of the engine and one algo order of OKX, of
the type ``oco``, which has the id of the stop.
"""

from loopback.exchange.account import Account
from loopback.exchange.numeric_ids import algo_number
from loopback.exchange.rows import ExitKind, OrderOrigin, OrderRow


def is_algo(row: OrderRow) -> bool:
    """Whether the order is, or was placed by, an algo order."""
    return row.order.terms.trigger_price is not None or row.exit is not ExitKind.NONE


def is_placed(row: OrderRow) -> bool:
    """Whether it is an ordinary order: an algo order only after its trigger."""
    return not is_algo(row) or row.order.triggered_at is not None or bool(row.filled)


def find_partner(account: Account, row: OrderRow) -> OrderRow | None:
    """Returns the other exit that was attached to the same order, if there are two."""
    if row.origin is not OrderOrigin.ATTACHED:
        return None
    return next(
        (
            other
            for other in account.orders.values()
            if other.origin is OrderOrigin.ATTACHED
            and (other.parent, other.order.symbol) == (row.parent, row.order.symbol)
            and other.exit is not row.exit
        ),
        None,
    )


def is_hidden(account: Account, row: OrderRow) -> bool:
    """Whether it is the take profit of an algo order that is named by its stop."""
    return row.exit is ExitKind.TAKE_PROFIT and find_partner(account, row) is not None


def algo_id(account: Account, row: OrderRow) -> str:
    """Returns the id of the algo order that a row belongs to."""
    partner = find_partner(account, row) if row.exit is ExitKind.TAKE_PROFIT else None
    return str(algo_number(account, partner or row))


def placed_row(account: Account, row: OrderRow) -> OrderRow | None:
    """The row whose order the algo order has placed."""
    if is_placed(row):
        return row
    partner = find_partner(account, row)
    return partner if partner is not None and is_placed(partner) else None
