"""Pairs of orders that no exchange links: what one order's reports require of the other.

The order that is to end is marked, and the system command that cancels it is stored, in the
transaction that records why. The mark is kept until the order has ended: a cancel that fails is
repeated, also by the worker that takes the account over.
"""

from datetime import datetime, timedelta

from oms.domain.commands.command import CancelOrder
from oms.domain.orders.order import Order
from oms.domain.orders.order_pair import OCO, ends_other, is_pair_order, may_revive
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.services.account_state.follow_ups import add_follow_up
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes

RETRY_AFTER = timedelta(seconds=5)
"""Pause before the cancel of an order that is still open is repeated."""


async def watch_pairs(state: AccountState, changes: Changes, ids: IdBlocks, now: datetime) -> None:
    """Cancel orders whose pair the orders in ``changes`` end, and repeat cancels that failed."""
    if state.paper is not None:
        return
    for order in tuple(changes.orders.values()):
        if order.group_id is not None and is_pair_order(order):
            await _judge(state, order, changes, ids, now)
    for order_id, due in tuple(state.pair_cancels.items()):
        marked = state.orders.get(order_id)
        if marked is None:
            del state.pair_cancels[order_id]
        elif now >= due and marked.pending_change is None:
            await _cancel(state, marked, ids, now)


async def _judge(
    state: AccountState, order: Order, changes: Changes, ids: IdBlocks, now: datetime
) -> None:
    if order.is_open and order.cancel_reason == OCO:
        state.pair_cancels.setdefault(order.id, now)  # the exchange lists it after all
    if may_revive(order) and order.cancel_reason is None:
        _put(state, evolve(order, cancel_reason=OCO), changes, now)
    others = [each for each in state.orders.values() if each.group_id == order.group_id]
    for other in others:
        if other.id != order.id and is_pair_order(other) and ends_other(order, other):
            _put(state, evolve(other, cancel_reason=OCO), changes, now)
            if other.pending_change == "cancel":
                state.pair_cancels[other.id] = now + RETRY_AFTER
            else:
                await _cancel(state, other, ids, now)


async def _cancel(state: AccountState, order: Order, ids: IdBlocks, now: datetime) -> None:
    state.pair_cancels[order.id] = now + RETRY_AFTER
    name = f"oco:{order.id}:{state.head_seq}"
    await add_follow_up(state, ids, name, CancelOrder(order_ids=(order.id,)), now)


def _put(state: AccountState, order: Order, changes: Changes, now: datetime) -> None:
    marked = evolve(order, updated_at=now, version=order.version + 1)
    state.put_order(marked)
    changes.orders[marked.id] = marked
