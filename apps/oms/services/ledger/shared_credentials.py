"""Orders of accounts that share credentials: at the exchange they belong to one account.

An order sent by another account of this system appears as external here. Its sender is looked up in
the store by the exchange order id on every use, so the answer is right even if the other account's
row was committed later.
"""

from collections.abc import Iterable, Mapping

from oms.domain.account import Engine
from oms.domain.orders.external_order import EXTERNAL_REASON
from oms.domain.orders.order import Order
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState

SENT_BY_OTHER_ACCOUNT = "order_of_another_account"
"""Reason why "cancel all" skips an order."""


def may_share_credentials(state: AccountState) -> bool:
    """Return whether other accounts may trade on the same credentials; never for paper accounts."""
    return state.account.engine is not Engine.PAPER


async def find_other_senders(
    ledger: LedgerStore, state: AccountState, orders: Iterable[Order]
) -> Mapping[int, int]:
    """Return the account that sent an order, by order id, where it is another one."""
    if not may_share_credentials(state):
        return {}
    ids_by_symbol: dict[str, dict[str, int]] = {}
    for order in orders:
        is_external = order.command_id is None and order.reason == EXTERNAL_REASON
        if is_external and order.exchange_order_id is not None:
            ids_by_symbol.setdefault(order.symbol, {})[order.exchange_order_id] = order.id
    account_ids: dict[int, int] = {}
    for symbol, ids in ids_by_symbol.items():
        sending_accounts = await ledger.sending_accounts(state.account.id, symbol, list(ids))
        account_ids |= {ids[name]: account_id for name, account_id in sending_accounts.items()}
    return account_ids
