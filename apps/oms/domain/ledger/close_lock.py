"""The close lock: a position is *close requested* while an order that closes it is open.

It is no row of its own that could outlive what it stands for: the state follows from the orders.
Exits attached to an order are not meant: they wait for a price and shrink with the position.
"""

from collections.abc import Iterable

from oms.domain.ledger.position import Position, PositionState
from oms.domain.orders.order import Order
from oms.domain.value import evolve


def is_close_order(order: Order, position_id: int) -> bool:
    """Whether the order is open and was sent to close this position."""
    return (
        order.position_id == position_id
        and order.reduce_only
        and order.parent_order_id is None
        and order.is_open
    )


def with_close_state(position: Position, orders: Iterable[Order]) -> Position:
    """The open position in the state that the account's ``orders`` give it."""
    closing = any(is_close_order(order, position.id) for order in orders)
    state = PositionState.CLOSE_REQUESTED if closing else PositionState.OPEN
    if position.state is state:
        return position
    return evolve(position, state=state, version=position.version + 1)
