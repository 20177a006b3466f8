"""Cancels that the gateway itself sends, of orders at an exchange that are to end.

The order is marked with the reason, and the system command that cancels it is stored, in the
transaction that records why. The mark is kept until the order has ended: a cancel that fails is
repeated with growing pauses, also by the worker that takes the account over. While nothing can be
sent to the exchange it is not repeated, and then at once.
"""

from datetime import datetime, timedelta

from oms.domain.commands.command import CancelOrder
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.services.account_state.follow_ups import add_follow_up
from oms.services.account_state.pending import OwnCancel
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes

RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 60))
"""Pauses before the cancel of an order that is still open is repeated; the last one stays."""


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
    known = state.own_cancels.get(order.id)
    sent = 0 if known is None else known.sent
    pause = RETRY_AFTER[min(sent, len(RETRY_AFTER) - 1)]
    state.own_cancels[order.id] = OwnCancel(due=now + pause, sent=sent + 1)
    if order.pending_change != "cancel":
        name = f"{order.cancel_reason}:{order.id}:{state.head_seq}"
        await add_follow_up(state, ids, name, CancelOrder(order_ids=(order.id,)), now)


async def repeat_cancels(state: AccountState, ids: IdBlocks, now: datetime) -> None:
    """Send the cancels that are due again, unless nothing can be sent to the exchange now."""
    is_unavailable = state.exchange.unavailable_reason() is not None
    for order_id, cancel in tuple(state.own_cancels.items()):
        marked = state.orders.get(order_id)
        if marked is None:
            del state.own_cancels[order_id]
        elif is_unavailable:
            state.own_cancels[order_id] = evolve(cancel, due=now)
        elif now >= cancel.due and marked.pending_change is None:
            await cancel_marked(state, marked, ids, now)
