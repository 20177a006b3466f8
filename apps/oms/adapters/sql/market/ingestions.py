"""Rows of ``candle_ingestions``."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.task_leases import fence_task
from oms.adapters.sql.market.instruments import COLUMNS, instrument_from_row
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.market.ingestion import Ingestion
from oms.ports.runner.task_leases import TaskLease
from oms.wire.json import dumps
from oms.wire.market.ingestion_bodies import ingestion_terms

_RESULT = ("fetched_at", "newest_open", "last_error")
_COLUMNS = (*("id", "instrument_id", "timeframe", "is_enabled", "start"), *_RESULT)
_INSERT = BulkInsert(table="candle_ingestions", columns=(*_COLUMNS, "created_at", "updated_at"))
_OWN = ", ".join(f"g.{name}" for name in _COLUMNS)
_SELECT = (
    f"SELECT {_OWN}, {', '.join(f'i.{name}' for name in COLUMNS)} FROM candle_ingestions g"
    " JOIN instruments i ON i.id = g.instrument_id"
)
ERROR_CHARACTERS_MAX = 255


class SqlIngestions(AuditedWriter):
    """``ports.market.ingestion.IngestionStore``."""

    async def all(self, *, only_enabled: bool = False) -> Sequence[Ingestion]:
        """Return ingestions, ascending by exchange, symbol and timeframe."""
        where = " WHERE g.is_enabled = 1" if only_enabled else ""
        rows = await self._database.fetch(f"{_SELECT}{where} ORDER BY i.exchange, i.symbol", ())
        order = [*Timeframe]
        found = [self._from_row(row) for row in rows]
        return sorted(
            found,
            key=lambda each: (
                *(each.instrument.exchange, each.instrument.symbol),
                order.index(each.timeframe),
            ),
        )

    async def set(self, ingestion: Ingestion, audit_context: AuditContext) -> Ingestion:
        """Store an ingestion, with its audit row; that of its series is replaced."""
        new_id = await self._ids.allocate("candle_ingestion")

        async def work(session: Session) -> AuditedResult[Ingestion]:
            param, at = session.dialect.param, session.dialect.encode_time(audit_context.at)
            # Writers of one instrument follow each other.
            lock = f"SELECT id FROM instruments WHERE id = {param}{session.dialect.for_update}"
            await session.fetch(lock, (ingestion.instrument.id,))
            rows = await session.fetch(
                f"{_SELECT} WHERE g.instrument_id = {param} AND g.timeframe = {param}",
                (ingestion.instrument.id, ingestion.timeframe.value),
            )
            before = self._from_row(rows[0]) if rows else None
            start = session.dialect.encode_time(ingestion.start)
            if before is None:
                stored = evolve(ingestion, id=new_id)
                keys = (stored.id, stored.instrument.id, stored.timeframe.value)
                row = (*keys, stored.is_enabled, start, None, None, None, at, at)
                await _INSERT(session, [row])
            else:
                stored = evolve(before, is_enabled=ingestion.is_enabled, start=ingestion.start)
                text = (
                    f"UPDATE candle_ingestions SET is_enabled = {param}, start = {param},"
                    f" updated_at = {param} WHERE id = {param}"
                )
                await session.execute(text, (stored.is_enabled, start, at, stored.id))
            entry = audit_context.entry(
                "set_candle_ingestion",
                "candle_ingestion",
                stored.id,
                before=None if before is None else dumps(ingestion_terms(before)),
                after=dumps(ingestion_terms(stored)),
            )
            return stored, [entry]

        return await self._write_audited(work, audit_context.at)

    async def record(self, lease: TaskLease, ingestion: Ingestion) -> None:
        """Store the result of a fetch. Raises ``LeaseLost``."""
        param, encode = self._dialect.param, self._dialect.encode_optional_time
        error = ingestion.last_error
        result = (
            *(encode(ingestion.fetched_at), encode(ingestion.newest_open)),
            None if error is None else error[:ERROR_CHARACTERS_MAX],
        )

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            assigned = ", ".join(f"{name} = {param}" for name in _RESULT)
            text = f"UPDATE candle_ingestions SET {assigned} WHERE id = {param}"
            await session.execute(text, (*result, ingestion.id))

        await self._database.commit(work)

    def _from_row(self, row: Sequence[Any]) -> Ingestion:
        decode = self._dialect.decode_optional_time
        start = self._dialect.decode_time(row[4])
        return Ingestion(
            id=row[0],
            instrument=instrument_from_row(row[len(_COLUMNS) :], self._dialect),
            timeframe=Timeframe(row[2]),
            is_enabled=bool(row[3]),
            start=start,
            fetched_at=decode(row[5]),
            newest_open=decode(row[6]),
            last_error=row[7],
        )
