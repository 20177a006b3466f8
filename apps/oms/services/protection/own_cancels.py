"""Cancels that the gateway itself sends, of orders at an exchange that are to end.

The order is marked with the reason, and the system command that cancels it is stored, in the
transaction that records why. The mark is kept until the order has ended: a cancel that fails is
repeated, also by the worker that takes the account over.
"""

from datetime import datetime, timedelta

from oms.domain.commands.command import CancelOrder
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.services.account_state.follow_ups import add_follow_up
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes

RETRY_AFTER = timedelta(seconds=5)
"""Pause before the cancel of an order that is still open is repeated."""


def mark_order(
    state: AccountState, order: Order, reason: str, changes: Changes, now: datetime
) -> None:
    """Store why the gateway cancels the order."""
    marked = evolve(order, cancel_reason=reason, updated_at=now, version=order.version + 1)
    state.put_order(marked)
    changes.orders[marked.id] = marked


async def cancel_marked(state: AccountState, order: Order, ids: IdBlocks, now: datetime) -> None:
    """Add the command that cancels a marked order, unless a cancel of it is in progress.

    It is repeated by ``repeat_cancels`` while the order is open.
    """
    state.own_cancels[order.id] = now + RETRY_AFTER
    if order.pending_change != "cancel":
        name = f"{order.cancel_reason}:{order.id}:{state.head_seq}"
        await add_follow_up(state, ids, name, CancelOrder(order_ids=(order.id,)), now)


async def repeat_cancels(state: AccountState, ids: IdBlocks, now: datetime) -> None:
    """Send the cancels that are due again."""
    for order_id, due in tuple(state.own_cancels.items()):
        marked = state.orders.get(order_id)
        if marked is None:
            del state.own_cancels[order_id]
        elif now >= due and marked.pending_change is None:
            await cancel_marked(state, marked, ids, now)
