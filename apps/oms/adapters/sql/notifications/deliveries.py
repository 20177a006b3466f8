"""What the runner reads and writes of notifications: ``ports.runner.notifications``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.coordination.task_leases import fence_task
from oms.adapters.sql.notifications import delivery_rows, sink_rows
from oms.domain.notifications.delivery import GIVEN_UP_AFTER, Delivery, DeliveryStatus
from oms.domain.notifications.sink import Sink
from oms.ports.runner.notifications import (
    AttemptResult,
    NewDelivery,
    SinkTarget,
    StreamBehind,
)
from oms.ports.runner.task_leases import TaskLease

ERROR_CHARACTERS_MAX = 255


class SqlDeliveries:
    """``ports.runner.notifications.DeliveryStore``."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._dialect = database.dialect
        self._ids = ids

    async def active_sinks(self) -> Sequence[Sink]:
        """Return the active sinks. Raises ``Unavailable``."""
        text = f"{sink_rows.SELECT} WHERE status = 'active' ORDER BY id"
        rows = await self._database.fetch(text)
        return [sink_rows.sink_from_row(row, self._dialect) for row in rows]

    async def target(self, sink_id: int) -> SinkTarget | None:
        """Return where an active sink sends to. Raises ``Unavailable``."""
        text = (
            "SELECT id, url_enc, secret_enc, last_sent_at FROM notification_sinks"
            f" WHERE id = {self._dialect.param} AND status = 'active'"
        )
        rows = await self._database.fetch(text, (sink_id,))
        if not rows:
            return None
        return SinkTarget(
            sink_id=rows[0][0],
            url_sealed=rows[0][1],
            secret_sealed=rows[0][2],
            last_sent_at=self._dialect.decode_optional_time(rows[0][3]),
        )

    async def behind(self, sink: Sink) -> Sequence[StreamBehind]:
        """Return the streams with events that a sink has not read. Raises ``Unavailable``."""
        param = self._dialect.param
        accounts = (0, *sink.account_ids) if sink.account_ids else ()
        only = f" AND s.account_id IN ({self._dialect.params(len(accounts))})" if accounts else ""
        text = (
            "SELECT s.account_id, COALESCE(c.seq, 0), s.head_seq FROM account_streams s"
            f" LEFT JOIN notification_cursors c ON c.sink_id = {param}"
            " AND c.account_id = s.account_id"
            f" WHERE s.head_seq > COALESCE(c.seq, 0){only} ORDER BY s.account_id"
        )
        rows = await self._database.fetch(text, (sink.id, *accounts))
        return [StreamBehind(account_id=row[0], seq=int(row[1]), head=int(row[2])) for row in rows]

    async def collect(
        self,
        lease: TaskLease,
        sink_id: int,
        stream: StreamBehind,
        seq: int,
        messages: Sequence[NewDelivery],
        at: datetime,
    ) -> None:
        """Store messages and the cursor together. Raises ``LeaseLost``, ``Unavailable``."""
        if messages:
            await self._ids.ensure("delivery", len(messages))
        deliveries = [self._queued(sink_id, message, at) for message in messages]

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            if deliveries:
                rows = [delivery_rows.delivery_to_row(d, session.dialect) for d in deliveries]
                await delivery_rows.INSERT(session, rows)
            await _move_cursor(session, sink_id, stream.account_id, seq)

        await self._database.commit(work)

    async def sinks_due(self, now: datetime) -> Sequence[int]:
        """Return the sinks with a message that is due. Raises ``Unavailable``."""
        text = (
            "SELECT DISTINCT sink_id FROM notification_deliveries"
            f" WHERE status = 'queued' AND next_at <= {self._dialect.param}"
        )
        rows = await self._database.fetch(text, (self._dialect.encode_time(now),))
        return sorted(row[0] for row in rows)

    async def due(self, sink_id: int, now: datetime, limit: int) -> Sequence[Delivery]:
        """Return the messages of a sink that are due, in order. Raises ``Unavailable``."""
        param = self._dialect.param
        text = (
            f"{delivery_rows.SELECT} WHERE status = 'queued' AND sink_id = {param}"
            f" AND next_at <= {param} ORDER BY next_at, id LIMIT {param}"
        )
        values = (sink_id, self._dialect.encode_time(now), limit)
        rows = await self._database.fetch(text, values)
        return [delivery_rows.delivery_from_row(row, self._dialect) for row in rows]

    async def record(self, lease: TaskLease, result: AttemptResult) -> None:
        """Store what an attempt led to. Raises ``LeaseLost``, ``Unavailable``."""

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            has_ended = await _end_attempt(session, result)
            await _count_attempt(session, result, is_dead=has_ended and result.is_given_up)

        await self._database.commit(work)

    async def expire(self, lease: TaskLease, now: datetime) -> int:
        """Give up what was not delivered in time. Raises ``LeaseLost``, ``Unavailable``."""
        param, at = self._dialect.param, self._dialect.encode_time(now)
        late = f"status = 'queued' AND expires_at <= {param}"
        text = (
            f"SELECT sink_id, COUNT(*) FROM notification_deliveries WHERE {late} GROUP BY sink_id"
        )
        counts = await self._database.fetch(text, (at,))
        if not counts:
            return 0

        async def work(session: Session) -> int:
            await fence_task(session, lease)
            count = 0
            for sink_id, _ in sorted(counts):
                dead = await session.execute(
                    f"UPDATE notification_deliveries SET status = 'dead' WHERE {late}"
                    f" AND sink_id = {param}",
                    (at, sink_id),
                )
                await session.execute(
                    f"UPDATE notification_sinks SET dead = dead + {param} WHERE id = {param}",
                    (dead, sink_id),
                )
                count += dead
            return count

        return await self._database.commit(work)

    async def trim(self, lease: TaskLease, before: datetime, limit: int) -> int:
        """Delete old messages. Raises ``LeaseLost``, ``Unavailable``."""
        dialect, param = self._dialect, self._dialect.param
        index = "ix_notification_deliveries_created_at"
        table = dialect.with_index("notification_deliveries", index)
        text = (
            f"SELECT id FROM {table} WHERE created_at < {param}"
            f" AND status <> 'queued' ORDER BY created_at LIMIT {param}"
        )
        rows = await self._database.fetch(text, (dialect.encode_time(before), limit))
        ids = tuple(row[0] for row in rows)
        if not ids:
            return 0

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            await session.execute(
                f"DELETE FROM notification_deliveries WHERE id IN ({dialect.params(len(ids))})", ids
            )

        await self._database.commit(work)
        return len(ids)

    def _queued(self, sink_id: int, message: NewDelivery, at: datetime) -> Delivery:
        return Delivery(
            id=self._ids("delivery"),
            sink_id=sink_id,
            event_id=message.event_id,
            account_id=message.account_id,
            event=message.event,
            body=message.body,
            status=DeliveryStatus.QUEUED,
            attempts=0,
            next_at=at,
            expires_at=at + GIVEN_UP_AFTER,
            created_at=at,
        )


async def _move_cursor(session: Session, sink_id: int, account_id: int, seq: int) -> None:
    """Move a cursor, never back: a sink that was activated meanwhile begins at its own place."""
    dialect, param = session.dialect, session.dialect.param
    key = f"sink_id = {param} AND account_id = {param}"
    select = f"SELECT seq FROM notification_cursors WHERE {key}{dialect.for_update}"
    if not await session.fetch(select, (sink_id, account_id)):
        text = "INSERT INTO notification_cursors (sink_id, account_id, seq)"
        await session.execute(f"{text} VALUES ({dialect.params(3)})", (sink_id, account_id, seq))
        return
    await session.execute(
        f"UPDATE notification_cursors SET seq = {param} WHERE {key} AND seq < {param}",
        (seq, sink_id, account_id, seq),
    )


async def _end_attempt(session: Session, result: AttemptResult) -> bool:
    """Store the state of the message; returns whether it was still queued."""
    dialect, param = session.dialect, session.dialect.param
    status = DeliveryStatus.QUEUED
    if result.error is None:
        status = DeliveryStatus.DELIVERED
    elif result.is_given_up:
        status = DeliveryStatus.DEAD
    changed = await session.execute(
        f"UPDATE notification_deliveries SET status = {param}, attempts = attempts + 1,"
        f" next_at = {param}, delivered_at = {param}, last_error = {param}"
        f" WHERE id = {param} AND status = 'queued'",
        (
            status.value,
            dialect.encode_time(result.next_at or result.at),
            dialect.encode_optional_time(result.at if result.error is None else None),
            _cut(result.error),
            result.delivery.id,
        ),
    )
    return changed == 1


async def _count_attempt(session: Session, result: AttemptResult, *, is_dead: bool) -> None:
    dialect, param = session.dialect, session.dialect.param
    at = dialect.encode_time(result.at)
    sets, values = f"last_sent_at = {param}", list[Any]([at])
    if result.error is None:
        sets += f", delivered = delivered + 1, last_delivered_at = {param}, last_error = NULL"
        values.append(at)
    else:
        sets += f", failed = failed + 1, last_error = {param}"
        values.append(_cut(result.error))
        if is_dead:
            sets += ", dead = dead + 1"
    text = f"UPDATE notification_sinks SET {sets} WHERE id = {param}"
    await session.execute(text, (*values, result.delivery.sink_id))


def _cut(error: str | None) -> str | None:
    return None if error is None else error[:ERROR_CHARACTERS_MAX]
