"""What operators ask of a paper exchange about one order: a look, and that it was never placed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.errors import Refused
from oms.domain.order import Order
from oms.domain.report import Report
from oms.ports.exchange import Looked


class _Asked(Protocol):
    async def ask(self, order: Order, now: datetime) -> Sequence[Report]:
        """What is known of an order whose answer was lost."""
        ...


class Operated:
    """A part of ``PaperExchange``."""

    async def find(
        self: _Asked, order: Order, exchange_order_id: str | None, now: datetime
    ) -> Looked:
        """What the exchange knows of the order; under another id it is none of it."""
        reports = await self.ask(order, now)
        if exchange_order_id is None:
            return Looked(reports=reports)
        names = {each.exchange_order_id for each in reports if each.order_id == order.id}
        if exchange_order_id in names:
            return Looked(reports=reports)
        message = f"the exchange shows no {order.symbol} {exchange_order_id} that is this order"
        return Looked(reports=reports, refused=Refused(code="order_not_found", message=message))

    def declared_absent(self, order: Order, now: datetime) -> None:
        """Nothing follows: what it holds, it goes on telling."""
