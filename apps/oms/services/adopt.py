"""Orders that we did not send: found by the exchange's id, or given a row of their own."""

from oms.domain.external import external_order
from oms.domain.order import Order
from oms.domain.report import Report
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger import LedgerStore
from oms.services.home import Home
from oms.services.mirrored import mirrored
from oms.services.read_ahead import NOTHING, ReadAhead


async def adopted(
    ledger: LedgerStore, ids: IdBlocks, home: Home, report: Report, read: ReadAhead = NOTHING
) -> tuple[Order, bool]:
    """The order that a report with order id 0 is about, and whether its row is new.

    ``read`` is what was read of such orders before.
    """
    external, name = report.external, report.exchange_order_id
    assert external is not None and name is not None, "adapters say what a foreign order is"
    called = (external.symbol, name)
    known = home.order_called(external.symbol, name) or read.orders.get(called)
    if known is None and called not in read.orders_asked:
        stored = await ledger.orders_by_exchange_id(home.account.id, external.symbol, [name])
        known = stored.get(name)
    if known is not None:
        return known, False
    parent = None
    if external.parent_order_id is not None:
        parent = home.known_order(external.parent_order_id)
        parent = parent or await ledger.order(home.account.id, external.parent_order_id)
    await ids.ensure("order", 1)
    order = external_order(
        external,
        report,
        parent,
        order_id=ids("order"),
        account_id=home.account.id,
        mode=home.account.position_mode,
    )
    if called in read.orders_asked:
        sender = read.senders.get(called)
    else:
        sender = (await mirrored(ledger, home, [order])).get(order.id)
    if sender is not None:
        order = evolve(order, comment=f"sent by account {sender}")
    home.put_order(order, is_new=True)
    return order, True
