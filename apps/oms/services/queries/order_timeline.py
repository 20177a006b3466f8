"""All stored rows of one order, gathered for ``wire.responses.order_timeline``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from oms.domain.access import Principal
from oms.domain.errors import NotFound
from oms.domain.orders.order import Order
from oms.ports.command_queue import CommandQueue
from oms.ports.history_reads import HistoryReads
from oms.services.queries.event_reader import decode_row
from oms.services.queries.ledger_queries import LedgerQueries
from oms.wire.responses.events import EventGap
from oms.wire.responses.order_timeline import OrderRecord

EVENT_ROWS_READ_MAX = 5000
"""The limit of event rows read; later changes of the order appear by its rows alone."""

ROWS_PER_READ = 500
SLACK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTimelineQuery:
    """Reads the history of orders."""

    reads: LedgerQueries
    history: HistoryReads
    queue: CommandQueue

    async def __call__(self, principal: Principal, order_id: int) -> OrderRecord:
        """Return the rows of an order. Raises ``NotFound``, also if the caller may not see it."""
        orders = await self.reads.orders_by_id(principal, [order_id])
        if not orders:
            raise NotFound(f"there is no order {order_id}", code="order_not_found")
        order = orders[0]
        events, gaps = await self._events(order)
        commands = {} if order.command_id is None else await self.queue.find([order.command_id])
        return OrderRecord(
            order=order,
            command=commands.get(order.command_id or 0),
            request=await self.history.first_request(order_id),
            deals=await self.history.deals_by_order([order_id]),
            events=events,
            gaps=gaps,
        )

    async def _events(self, order: Order) -> tuple[list[Mapping[str, Any]], list[EventGap]]:
        """Return the events of the order, and the gaps of damaged rows among them."""
        account_id = order.account_id
        events: list[Mapping[str, Any]] = []
        gaps: list[EventGap] = []
        positions = await self.history.event_seqs_before([account_id], order.created_at - SLACK)
        after, until = positions.get(account_id, 0), order.updated_at + SLACK
        for _ in range(EVENT_ROWS_READ_MAX // ROWS_PER_READ):
            rows = await self.history.events({account_id: after}, ROWS_PER_READ)
            for stored in rows:
                after = stored.row.seq_to
                if stored.created_at > until:
                    return events, gaps
                decoded = decode_row(stored, 0)
                if decoded is None:
                    gaps.append({"account_id": account_id, "from": stored.row.seq, "to": after})
                    continue
                events += [item for _, item in decoded if _refers_to(item, order.id)]
            if len(rows) < ROWS_PER_READ:
                break
        return events, gaps


def _refers_to(item: Mapping[str, Any], order_id: int) -> bool:
    payload = item["payload"]
    if item["event"] == "reassign_audit":
        return any(target["order_id"] == order_id for target in payload["after"])
    if item["event"] in ("order_resolved", "order_late_found"):
        return bool(payload["order_id"] == order_id)
    return bool(item["event"] == "order_updated" and payload["id"] == order_id)
