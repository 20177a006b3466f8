"""Close lock: a position is in state *close requested* while an order that closes it is open.

The state is derived from the orders, so it cannot outlive them. Exits attached to an order, and
orders that stand for a level of the position, do not count: they wait for a price and shrink with
the position. Of a pair of orders only the first one does.
"""

from collections.abc import Iterable

from oms.domain.ledger.position import Position, PositionState
from oms.domain.orders.order import Order
from oms.domain.orders.order_types import OCO_PARAM
from oms.domain.protection.native_orders import is_native
from oms.domain.value import evolve


def is_close_order(order: Order, position_id: int) -> bool:
    """Return whether the order is open and was sent to close the position."""
    return (
        order.position_id == position_id
        and order.reduce_only
        and order.parent_order_id is None
        and not is_native(order)
        and (order.group_id in (None, order.id) or OCO_PARAM not in order.params)
        and order.is_open
    )


def with_close_state(position: Position, orders: Iterable[Order]) -> Position:
    """Return the open position with the state derived from the account's ``orders``."""
    closing = any(is_close_order(order, position.id) for order in orders)
    state = PositionState.CLOSE_REQUESTED if closing else PositionState.OPEN
    if position.state is state:
        return position
    return evolve(position, state=state, version=position.version + 1)
