"""Makes the messages of a sink from the stored events that it has not read."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from oms.domain.notifications.sink import Sink
from oms.ports.clock import Clock
from oms.ports.history_reads import HistoryReads, StoredEventRow
from oms.ports.runner.notifications import DeliveryStore, NewDelivery, StreamBehind
from oms.ports.runner.task_leases import TaskLease
from oms.wire.json import NotJson
from oms.wire.notifications.messages import message_body
from oms.wire.responses.events import decode_complete_row

logger = logging.getLogger(__name__)

ROWS_READ_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectMessages:
    """Reads streams of events, a part of each at a call."""

    history: HistoryReads
    deliveries: DeliveryStore
    clock: Clock

    async def __call__(self, lease: TaskLease, sink: Sink) -> bool:
        """Store the next messages; returns whether there is more to read.

        Raises ``LeaseLost``, ``Unavailable``.
        """
        has_more = False
        for stream in await self.deliveries.behind(sink):
            has_more |= await self._read(lease, sink, stream)
        return has_more

    async def _read(self, lease: TaskLease, sink: Sink, stream: StreamBehind) -> bool:
        rows = await self.history.events({stream.account_id: stream.seq}, ROWS_READ_MAX)
        seq = rows[-1].row.seq_to if rows else stream.head
        if not rows or rows[0].row.seq > stream.seq + 1:
            last = rows[0].row.seq - 1 if rows else stream.head
            fields = {"sink_id": sink.id, "account_id": stream.account_id}
            logger.warning("notification_gap", extra={**fields, "to": last})
        messages = [each for row in rows for each in _messages(sink, row, stream.seq)]
        now = self.clock.now()
        await self.deliveries.collect(lease, sink.id, stream, seq, messages, now)
        return seq < stream.head


def _messages(sink: Sink, stored: StoredEventRow, after: int) -> Iterator[NewDelivery]:
    """Yield the messages of a row that the sink gets; a damaged row is logged and left out."""
    if not _may_contain(stored, sink.event_names):
        return
    try:
        events = decode_complete_row(stored.row, after)
    except NotJson as error:
        fields = {"account_id": stored.row.account_id, "seq": stored.row.seq}
        logger.error("event_row_damaged", extra={**fields, "reason": str(error)})
        return
    for each in events:
        if sink.selects(each.event, each.account_id, each.payload):
            yield NewDelivery(
                event_id=each.event_id,
                account_id=each.account_id,
                event=each.event,
                body=message_body(
                    each.event_id,
                    each.event,
                    each.account_id,
                    at=stored.created_at,
                    payload=each.payload,
                    namespace=each.namespace,
                    strategy_id=each.strategy_id,
                    seq=each.seq,
                ),
            )


def _may_contain(stored: StoredEventRow, names: Sequence[str] | frozenset[str]) -> bool:
    """Return whether one of the names is in a row: most rows need not be decoded."""
    row = stored.row
    return row.event_type in names or any(f'"{name}"' in row.payload for name in names)
