"""Orders with an expiry at exchanges: the gateway cancels them when their time has come.

The exchange gets them as orders that rest until they are canceled. Paper exchanges expire orders
themselves.
"""

from datetime import datetime

from oms.domain.orders.expiry import EXPIRED, is_expiring
from oms.ports.ids import IdBlocks
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.services.protection.own_cancels import cancel_marked, mark_order


async def watch_expiries(
    state: AccountState, changes: Changes, ids: IdBlocks, now: datetime
) -> None:
    """Cancel the orders whose expiry is reached."""
    for order_id, expires_at in tuple(state.expiries.items()):
        order = state.orders.get(order_id)
        if order is None or not is_expiring(order):
            del state.expiries[order_id]
        elif now >= expires_at:
            del state.expiries[order_id]
            mark_order(state, order, EXPIRED, changes, now)
            await cancel_marked(state, state.orders[order_id], ids, now)
