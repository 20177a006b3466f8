"""Orders of accounts that share credentials: at the exchange they belong to one account.

An order sent by another account of this system appears as external here. Its sender is looked up by
the client order id, else by the exchange order id, and kept in the order's comment; an order
without one is looked up again, since the other account's row may be committed later.
"""

from collections.abc import Iterable, Mapping

from oms.domain.account import Engine
from oms.domain.orders.external_order import is_external
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState

SENT_BY_OTHER_ACCOUNT = "order_of_another_account"
"""Reason why "cancel all" skips an order."""


_SENDER_PREFIX = "sent by account "


def with_sender(order: Order, account_id: int) -> Order:
    """Return an external order with the account that sent it in its comment."""
    return evolve(order, comment=f"{_SENDER_PREFIX}{account_id}")


def _named_sender(order: Order) -> int | None:
    prefix, _, account_id = (order.comment or "").partition(_SENDER_PREFIX)
    return int(account_id) if not prefix and account_id.isdecimal() else None


def may_share_credentials(state: AccountState) -> bool:
    """Return whether other accounts may trade on the same credentials; never for paper accounts."""
    return state.account.engine is not Engine.PAPER


def lacks_sender(state: AccountState, order: Order) -> bool:
    """Return whether another account may have sent an order whose row does not name it."""
    return is_external(order) and order.comment is None and may_share_credentials(state)


async def find_other_senders(
    ledger: LedgerStore, state: AccountState, orders: Iterable[Order]
) -> Mapping[int, int]:
    """Return the account that sent an order, by order id, where it is another one."""
    if not may_share_credentials(state):
        return {}
    ids_by_symbol: dict[str, dict[str, int]] = {}
    account_ids: dict[int, int] = {}
    for order in orders:
        if not is_external(order) or order.exchange_order_id is None:
            continue
        if (sender := _named_sender(order)) is not None:
            account_ids[order.id] = sender
        else:
            ids_by_symbol.setdefault(order.symbol, {})[order.exchange_order_id] = order.id
    for symbol, ids in ids_by_symbol.items():
        sending_accounts = await ledger.sending_accounts(state.account.id, symbol, list(ids))
        account_ids |= {ids[name]: account_id for name, account_id in sending_accounts.items()}
    return account_ids
