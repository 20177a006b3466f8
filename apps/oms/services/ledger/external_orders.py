"""Orders that this system did not send: looked up by exchange id, or created as external orders."""

from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.external_order import build_external_order
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.prefetch import NOT_PREFETCHED, PrefetchedRows
from oms.services.ledger.shared_credentials import find_other_senders


async def get_or_create_external_order(
    ledger: LedgerStore,
    ids: IdBlocks,
    state: AccountState,
    report: ExecutionReport,
    read: PrefetchedRows = NOT_PREFETCHED,
) -> tuple[Order, bool]:
    """Return the order of a report whose order id is 0, and whether its row is new.

    ``read`` holds rows that were prefetched for such orders.
    """
    external, name = report.external, report.exchange_order_id
    assert external is not None and name is not None, "adapters describe external orders"
    called = (external.symbol, name)
    order = state.find_order_by_exchange_id(external.symbol, name) or read.orders.get(called)
    if order is None and called not in read.orders_queried:
        stored = await ledger.orders_by_exchange_id(state.account.id, external.symbol, [name])
        order = stored.get(name)
    if order is not None:
        return order, False
    parent = None
    if external.parent_order_id is not None:
        parent = state.find_order(external.parent_order_id)
        parent = parent or await ledger.order(state.account.id, external.parent_order_id)
    await ids.ensure("order", 1)
    order = build_external_order(
        external,
        report,
        parent,
        order_id=ids("order"),
        account_id=state.account.id,
        mode=state.account.position_mode,
    )
    if called in read.orders_queried:
        sender = read.sending_accounts.get(called)
    else:
        sender = (await find_other_senders(ledger, state, [order])).get(order.id)
    if sender is not None:
        order = evolve(order, comment=f"sent by account {sender}")
    state.put_order(order, is_new=True)
    return order, True
