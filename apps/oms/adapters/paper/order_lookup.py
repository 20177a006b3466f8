"""Operator queries about one order at a paper exchange."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.order import Order
from oms.ports.exchange import OrderQueryResult


class _QueriesOrder(Protocol):
    async def query_order(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Returns reports on an order whose reply was lost."""
        ...


class OrderLookup:
    """Order lookup of ``PaperExchange``."""

    async def find_order(
        self: _QueriesOrder, order: Order, exchange_order_id: str | None, now: datetime
    ) -> OrderQueryResult:
        """Queries the order; refused if ``exchange_order_id`` is not this order."""
        reports = await self.query_order(order, now)
        if exchange_order_id is None:
            return OrderQueryResult(reports=reports)
        order_ids = {each.exchange_order_id for each in reports if each.order_id == order.id}
        if exchange_order_id in order_ids:
            return OrderQueryResult(reports=reports)
        message = f"the exchange shows no {order.symbol} {exchange_order_id} that is this order"
        return OrderQueryResult(
            reports=reports, refused=Refused(code="order_not_found", message=message)
        )

    def declare_not_placed(self, order: Order, now: datetime) -> None:
        """Does nothing: an order that the exchange does hold is still reported."""
