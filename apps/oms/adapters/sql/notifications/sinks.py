"""Administration of sinks and deliveries: ``ports.runner.notifications.SinkStore``."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from oms.adapters.sql.connection.errors import DuplicateKey
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.notifications import delivery_rows, sink_rows
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.errors import Conflict
from oms.domain.notifications.delivery import GIVEN_UP_AFTER, Delivery, DeliveryStatus
from oms.domain.notifications.sink import TEST_EVENT, Sink, SinkStatus
from oms.domain.unique_name import unique_name_key
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.runner.notifications import DeliveryQuery, NewSink, SinkChange
from oms.wire.json import dumps
from oms.wire.notifications.messages import message_body
from oms.wire.notifications.sink_rows import delivery_row, sink_row

Result = TypeVar("Result")


class SqlSinks(AuditedWriter):
    """Sinks and deliveries, as administrators see them."""

    async def create(self, new: NewSink, audit_context: AuditContext) -> Sink:
        """Store a sink. Raises ``Conflict``, ``Unavailable``."""
        sink = new.sink

        async def work(session: Session) -> AuditedResult[Sink]:
            at = session.dialect.encode_time(audit_context.at)
            row = (
                *(sink.id, sink.name, unique_name_key(sink.name), sink.kind.value),
                *(new.url_sealed, new.secret_sealed, dumps(list(sink.events))),
                *(dumps(list(sink.account_ids)), sink.min_interval_seconds, sink.status.value),
                *(sink.created_by, 0, 0, 0, at, at),
            )
            await sink_rows.INSERT(session, [row])
            await _read_to_heads(session, sink.id)
            after = dumps(sink_row(sink))
            return sink, [audit_context.entry("sink_create", "sink", sink.id, after=after)]

        return await self._write_named(work, audit_context)

    async def new_id(self) -> int:
        """Return the id of the next sink. Raises ``Unavailable``."""
        return await self._ids.allocate("sink")

    async def change(
        self, sink_id: int, change: SinkChange, audit_context: AuditContext
    ) -> Sink | None:
        """Change a sink. Raises ``Conflict``, ``Unavailable``."""

        async def work(session: Session) -> AuditedResult[Sink | None]:
            before = await _lock(session, sink_id)
            if before is None:
                return None, []
            after = _changed(before, change)
            await _update(session, after, change, audit_context)
            if before.status is SinkStatus.DISABLED and after.status is SinkStatus.ACTIVE:
                await _read_to_heads(session, sink_id)
            elif before.account_ids and before.account_ids != after.account_ids:
                await _read_to_heads(session, sink_id, except_of=(0, *before.account_ids))
            entry = audit_context.entry(
                "sink_change",
                "sink",
                sink_id,
                before=dumps(sink_row(before)),
                after=dumps(sink_row(after) | _named_secrets(change)),
            )
            return after, [entry]

        return await self._write_named(work, audit_context)

    async def sinks(self) -> Sequence[Sink]:
        """Return all sinks with what waits for them. Raises ``Unavailable``."""

        async def work(session: Session) -> tuple[Sequence[Any], Sequence[Any]]:
            rows = await session.fetch(f"{sink_rows.SELECT} ORDER BY id")
            waiting = await session.fetch(
                "SELECT sink_id, COUNT(*), MIN(created_at) FROM notification_deliveries"
                " WHERE status = 'queued' GROUP BY sink_id"
            )
            return rows, waiting

        rows, waiting = await self._database.read(work)
        decode = self._dialect.decode_time
        counts = {row[0]: (int(row[1]), decode(row[2])) for row in waiting}
        return [
            sink_rows.sink_from_row(row, self._dialect, *counts.get(row[0], (0, None)))
            for row in rows
        ]

    async def queue_test(self, sink_id: int, audit_context: AuditContext) -> Delivery | None:
        """Queue a test message. Raises ``Unavailable``."""
        event_id, at = await self._ids.allocate("event"), audit_context.at
        delivery = Delivery(
            id=await self._ids.allocate("delivery"),
            sink_id=sink_id,
            event_id=event_id,
            account_id=0,
            event=TEST_EVENT,
            body=message_body(event_id, TEST_EVENT, 0, at=at, payload={}),
            status=DeliveryStatus.QUEUED,
            attempts=0,
            next_at=at,
            expires_at=at + GIVEN_UP_AFTER,
            created_at=at,
        )

        async def work(session: Session) -> AuditedResult[Delivery | None]:
            sink = await _lock(session, sink_id)
            if sink is None or sink.status is not SinkStatus.ACTIVE:
                return None, []
            row = delivery_rows.delivery_to_row(delivery, session.dialect)
            await delivery_rows.INSERT(session, [row])
            return delivery, [audit_context.entry("sink_test", "sink", sink_id)]

        return await self._write_audited(work, audit_context.at)

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Return deliveries, the newest first. Raises ``Unavailable``."""
        param = self._dialect.param
        parts, values = ["1 = 1"], list[Any]()
        status = None if query.status is None else query.status.value
        filters = {"sink_id =": query.sink_id, "status =": status, "id <": query.before_id}
        for column, wanted in filters.items():
            if wanted is not None:
                parts.append(f"{column} {param}")
                values.append(wanted)
        text = f"{delivery_rows.SELECT} WHERE {' AND '.join(parts)} ORDER BY id DESC LIMIT {param}"
        rows = await self._database.fetch(text, (*values, query.limit))
        return [delivery_rows.delivery_from_row(row, self._dialect) for row in rows]

    async def redeliver(self, delivery_id: int, audit_context: AuditContext) -> Delivery | None:
        """Queue a delivery again. Raises ``Conflict``, ``Unavailable``."""
        at = audit_context.at

        async def work(session: Session) -> AuditedResult[Delivery | None]:
            dialect, param = session.dialect, session.dialect.param
            text = f"{delivery_rows.SELECT} WHERE id = {param}{dialect.for_update}"
            rows = await session.fetch(text, (delivery_id,))
            if not rows:
                return None, []
            before = delivery_rows.delivery_from_row(rows[0], dialect)
            if before.status is DeliveryStatus.QUEUED:
                message = f"the delivery {delivery_id} is queued"
                raise Conflict(message, reason=DeliveryStatus.QUEUED.value)
            after = evolve(
                before,
                status=DeliveryStatus.QUEUED,
                attempts=0,
                next_at=at,
                expires_at=at + GIVEN_UP_AFTER,
            )
            await session.execute(
                f"UPDATE notification_deliveries SET status = 'queued', attempts = 0,"
                f" next_at = {param}, expires_at = {param} WHERE id = {param}",
                (dialect.encode_time(at), dialect.encode_time(after.expires_at), delivery_id),
            )
            entry = audit_context.entry(
                "delivery_redeliver",
                "delivery",
                delivery_id,
                before=dumps(delivery_row(before)),
                after=dumps(delivery_row(after)),
            )
            return after, [entry]

        return await self._write_audited(work, at)

    async def _write_named(
        self,
        work: Callable[[Session], Awaitable[AuditedResult[Result]]],
        audit_context: AuditContext,
    ) -> Result:
        try:
            return await self._write_audited(work, audit_context.at)
        except DuplicateKey:
            raise Conflict("a sink of this name exists", reason="name") from None


async def _lock(session: Session, sink_id: int) -> Sink | None:
    text = f"{sink_rows.SELECT} WHERE id = {session.dialect.param}{session.dialect.for_update}"
    rows = await session.fetch(text, (sink_id,))
    return sink_rows.sink_from_row(rows[0], session.dialect) if rows else None


def _changed(before: Sink, change: SinkChange) -> Sink:
    fields = {
        "name": change.name,
        "events": change.events,
        "account_ids": change.account_ids,
        "min_interval_seconds": change.min_interval_seconds,
        "status": change.status,
        "has_secret": True if change.secret_sealed is not None else None,
    }
    return evolve(before, **{name: value for name, value in fields.items() if value is not None})


def _named_secrets(change: SinkChange) -> dict[str, list[str]]:
    """Return the names of the sealed fields that change: their values are in no audit row."""
    changed = {"url": change.url_sealed, "secret": change.secret_sealed}
    names = [name for name, sealed in changed.items() if sealed is not None]
    return {"changed": names} if names else {}


async def _update(
    session: Session, after: Sink, change: SinkChange, audit_context: AuditContext
) -> None:
    param = session.dialect.param
    columns = {
        "name": after.name,
        "name_key": unique_name_key(after.name),
        "events_json": dumps(list(after.events)),
        "account_ids_json": dumps(list(after.account_ids)),
        "min_interval_seconds": after.min_interval_seconds,
        "status": after.status.value,
        "updated_at": session.dialect.encode_time(audit_context.at),
    }
    if change.url_sealed is not None:
        columns["url_enc"] = change.url_sealed
    if change.secret_sealed is not None:
        columns["secret_enc"] = change.secret_sealed
    sets = ", ".join(f"{name} = {param}" for name in columns)
    text = f"UPDATE notification_sinks SET {sets} WHERE id = {param}"
    await session.execute(text, (*columns.values(), after.id))


async def _read_to_heads(session: Session, sink_id: int, except_of: Sequence[int] = ()) -> None:
    """Let a sink begin with the next event of each account, but for those it has been reading."""
    dialect = session.dialect
    left_out = f" AND account_id NOT IN ({dialect.params(len(except_of))})" if except_of else ""
    await session.execute(
        "INSERT INTO notification_cursors (sink_id, account_id, seq)"
        f" SELECT {sink_id:d}, account_id, head_seq FROM account_streams WHERE 1 = 1{left_out}"
        + dialect.upsert_clause(("sink_id", "account_id"), ("seq",)),
        tuple(except_of),
    )
