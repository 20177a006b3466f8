"""Orders that this system did not send: looked up by exchange id, or created as external orders."""

from oms.domain.instrument import InstrumentKind
from oms.domain.orders.execution_report import ExecutionReport, ExternalOrderInfo, ReportSource
from oms.domain.orders.external_order import build_external_order
from oms.domain.orders.order import Order
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.prefetch import NOT_PREFETCHED, PrefetchedRows
from oms.services.ledger.shared_credentials import (
    find_other_senders,
    lacks_sender,
    may_share_credentials,
    with_sender,
)


async def get_or_create_external_order(
    ledger: LedgerStore,
    ids: IdBlocks,
    state: AccountState,
    report: ExecutionReport,
    read: PrefetchedRows = NOT_PREFETCHED,
) -> tuple[Order, bool]:
    """Return the order of a report whose order id is 0, and whether its row is new or completed.

    ``read`` holds rows that were prefetched for such orders. An order without its sender gets it
    from a later read, when the sending account's row is stored.
    """
    external, name = report.external, report.exchange_order_id
    assert external is not None and name is not None, "adapters describe external orders"
    called = (external.symbol, name)
    order = state.find_order_by_exchange_id(external.symbol, name) or read.orders.get(called)
    if order is None and called not in read.orders_queried:
        stored = await ledger.orders_by_exchange_id(state.account.id, external.symbol, [name])
        order = stored.get(name)
    if order is not None:
        completed = await complete_sender(ledger, state, order, report, read)
        return completed, completed is not order
    parent = None
    if external.parent_order_id is not None:
        parent = state.find_order(external.parent_order_id)
        parent = parent or await ledger.order(state.account.id, external.parent_order_id)
    await ids.ensure("order", 1)
    instrument = state.exchange.instruments().get(external.symbol)
    is_spot = instrument is not None and instrument.kind is InstrumentKind.SPOT
    order = build_external_order(
        external,
        report,
        parent,
        order_id=ids("order"),
        account_id=state.account.id,
        mode=state.account.position_mode,
        is_spot=is_spot,
    )
    sender = await _find_sender(ledger, state, order, external, read)
    if sender is not None:
        order = with_sender(order, sender)
    state.put_order(order, is_new=True)
    return order, True


async def complete_sender(
    ledger: LedgerStore,
    state: AccountState,
    order: Order,
    report: ExecutionReport,
    read: PrefetchedRows = NOT_PREFETCHED,
) -> Order:
    """Return the order, with its sender where its row lacked it and a read found it."""
    if report.source is not ReportSource.RECONCILE or not lacks_sender(state, order):
        return order
    sender = await _find_sender(ledger, state, order, report.external, read)
    if sender is None:
        return order
    order = with_sender(order, sender)
    state.put_order(order)
    return order


async def _find_sender(
    ledger: LedgerStore,
    state: AccountState,
    order: Order,
    external: ExternalOrderInfo | None,
    read: PrefetchedRows,
) -> int | None:
    """Return the other account that sent the order.

    By its client order id, which was stored before the order was sent; else by the exchange's id,
    which the sending account stores only with the answer.
    """
    sent = None if external is None else external.sent_order_id
    if sent is not None and may_share_credentials(state):
        sender = await ledger.account_of_order(state.account.id, sent)
        if sender is not None:
            return sender
    assert order.exchange_order_id is not None, "external orders are known by the exchange's id"
    called = (order.symbol, order.exchange_order_id)
    if called in read.senders_queried:
        return read.sending_accounts.get(called)
    return (await find_other_senders(ledger, state, [order])).get(order.id)
