"""Where an order came from and what it led to: signal, command, orders, deals, positions."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.access import Principal
from oms.domain.errors import NotFound
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.ports.history_reads import HistoryReads
from oms.ports.signals.stored_signals import SignalRow, Signals
from oms.services.queries.ledger_queries import LedgerQueries
from oms.wire.responses.order_lineage import OrderLineage

GENERATIONS_MAX = 5
"""How many steps from parent to child are followed in each direction."""

LINKED_ORDERS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineageQuery:
    """Reads the chain signal, command, orders, deals, positions of one order."""

    reads: LedgerQueries
    history: HistoryReads
    signals: Signals

    async def __call__(self, principal: Principal, order_id: int) -> OrderLineage:
        """Return the rows of the chain that the caller may see. Raises ``NotFound``."""
        orders = await self.reads.orders_by_id(principal, [order_id])
        if not orders:
            raise NotFound(f"there is no order {order_id}", code="order_not_found")
        found = await self._linked(principal, orders[0])
        deals = await self.history.deals_by_order([order.id for order in found])
        visible = await self._positions(
            principal,
            {deal.position_id for deal in deals} | {order.position_id for order in found},
        )
        command_ids = sorted({o.command_id for o in found if o.command_id is not None})
        commands = await self.reads.queue.find(command_ids) if command_ids else {}
        return OrderLineage(
            order_id=order_id,
            signals=await self._signals(found),
            commands=[commands[command_id] for command_id in command_ids if command_id in commands],
            orders=found,
            deals=deals,
            positions=visible,
        )

    async def _linked(self, principal: Principal, order: Order) -> Sequence[Order]:
        """Return the order with its ancestors, descendants and groups, ascending by id."""
        found = {order.id: order}
        asked = [order.id]
        for _ in range(GENERATIONS_MAX):
            linked = await self.history.linked_orders(asked, LINKED_ORDERS_MAX)
            readable = await self.reads.orders_by_id(principal, [each.id for each in linked])
            asked = [each.id for each in readable if each.id not in found]
            found |= {each.id: each for each in readable}
            if not asked or len(found) >= LINKED_ORDERS_MAX:
                break
        return [found[key] for key in sorted(found)]

    async def _signals(self, orders: Sequence[Order]) -> Sequence[SignalRow]:
        """Return the signals that led to orders, ascending by id: in general one."""
        ids = sorted({order.signal_id for order in orders if order.signal_id is not None})
        rows = [await self.signals.find(signal_id) for signal_id in ids]
        return [row for row in rows if row is not None]

    async def _positions(self, principal: Principal, ids: set[int]) -> Sequence[Position]:
        return await self.reads.positions_by_id(principal, sorted(ids - {0}))
