"""Pairs of orders that no exchange links: what one order's reports require of the other.

The order that is to end is marked and canceled by the gateway (``own_cancels``).
"""

from datetime import datetime

from oms.domain.orders.order import Order
from oms.domain.orders.order_pair import OCO, ends_other, is_pair_order, may_revive
from oms.ports.ids import IdBlocks
from oms.services.account_state.pending import OwnCancel
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.services.protection.own_cancels import cancel_marked, mark_order


async def watch_pairs(state: AccountState, changes: Changes, ids: IdBlocks, now: datetime) -> None:
    """Cancel orders whose pair the orders in ``changes`` end."""
    if state.paper is not None:
        return
    for order in tuple(changes.orders.values()):
        if order.group_id is not None and is_pair_order(order):
            await _judge(state, order, changes, ids, now)


async def _judge(
    state: AccountState, order: Order, changes: Changes, ids: IdBlocks, now: datetime
) -> None:
    if order.is_open and order.cancel_reason == OCO:
        state.own_cancels.setdefault(order.id, OwnCancel(due=now))  # The exchange lists it.
    if may_revive(order) and order.cancel_reason is None:
        mark_order(state, order, OCO, changes, now)
    others = [each for each in state.orders.values() if each.group_id == order.group_id]
    for other in others:
        if other.id != order.id and is_pair_order(other) and ends_other(order, other):
            mark_order(state, other, OCO, changes, now)
            await cancel_marked(state, state.orders[other.id], ids, now)
