"""Orders of accounts on the same credentials: at the exchange they are one account's.

What another account of ours sent is external here. Whose it is is asked of the store by the
exchange's id, so it is right even if the other's row came later; nothing is noted.
"""

from collections.abc import Iterable, Mapping

from oms.domain.account import Engine
from oms.domain.orders.external_order import EXTERNAL_REASON
from oms.domain.orders.order import Order
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState

SENT_BY_OTHER_ACCOUNT = "order_of_another_account"
"""Why "cancel all" leaves an order alone."""


def may_share_credentials(state: AccountState) -> bool:
    """Whether others may trade on the account's credentials: paper has none."""
    return state.account.engine is not Engine.PAPER


async def find_other_senders(
    ledger: LedgerStore, state: AccountState, orders: Iterable[Order]
) -> Mapping[int, int]:
    """By order: the account that sent it, where that is another one."""
    if not may_share_credentials(state):
        return {}
    named: dict[str, dict[str, int]] = {}
    for order in orders:
        is_stranger = order.command_id is None and order.reason == EXTERNAL_REASON
        if is_stranger and order.exchange_order_id is not None:
            named.setdefault(order.symbol, {})[order.exchange_order_id] = order.id
    found: dict[int, int] = {}
    for symbol, ids in named.items():
        sending_accounts = await ledger.sending_accounts(state.account.id, symbol, list(ids))
        found |= {ids[name]: account_id for name, account_id in sending_accounts.items()}
    return found
