"""Overridden trading days in the table ``session_overrides``."""

from collections.abc import Sequence
from datetime import date, time
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.errors import DuplicateKey
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.errors import Conflict
from oms.domain.market_hours import Session as MarketSession
from oms.domain.session_override import SessionOverride
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.registry import AuditEntry
from oms.wire.admin.session_overrides import override_row
from oms.wire.json import dumps

_COLUMNS = (
    *("id", "session", "day", "opens", "closes", "comment", "set_by", "set_by_user_id"),
    "set_at",
)
_INSERT = BulkInsert(table="session_overrides", columns=_COLUMNS)
_CHANGED = _COLUMNS[3:]
_SELECTED = f"SELECT {', '.join(_COLUMNS)} FROM session_overrides"


class SqlSessionOverrides(AuditedWriter):
    """``ports.admin.session_overrides.SessionOverrideStore``."""

    async def all(self) -> Sequence[SessionOverride]:
        """Return all overrides, ascending by market and day."""
        rows = await self._database.fetch(f"{_SELECTED} ORDER BY session, day", ())
        return [self._from_row(row) for row in rows]

    async def find(self, override_id: int) -> SessionOverride | None:
        """Return an override."""
        text = f"{_SELECTED} WHERE id = {self._dialect.param}"
        rows = await self._database.fetch(text, (override_id,))
        return self._from_row(rows[0]) if rows else None

    async def set(
        self, override: SessionOverride, audit_context: AuditContext, *, replaces: bool
    ) -> SessionOverride:
        """Store an override with its audit row. Raises ``Conflict``."""
        new_id = await self._ids.allocate("session_override")
        taken = Conflict(
            f"{override.day} has an override: say replace, or delete it", reason="override_exists"
        )

        async def work(session: Session) -> AuditedResult[SessionOverride]:
            param = session.dialect.param
            rows = await session.fetch(
                f"{_SELECTED} WHERE session = {param} AND day = {param}"
                f"{session.dialect.for_update}",
                (override.session.value, override.day.isoformat()),
            )
            before = self._from_row(rows[0]) if rows else None
            if before is not None and not replaces:
                raise taken
            stored = evolve(override, id=new_id if before is None else before.id)
            row = self._to_row(stored)
            if before is None:
                await _INSERT(session, [row])
            else:
                assigned = ", ".join(f"{name} = {param}" for name in _CHANGED)
                text = f"UPDATE session_overrides SET {assigned} WHERE id = {param}"
                await session.execute(text, (*row[3:], stored.id))
            return stored, [_entry(audit_context, "set_session_override", before, stored)]

        try:
            return await self._write_audited(work, audit_context.at)
        except DuplicateKey as error:  # Another caller stored one for the day meanwhile.
            raise taken from error

    async def delete(self, override_id: int, audit_context: AuditContext) -> bool:
        """Delete an override with its audit row; ``False`` if there is none."""

        async def work(session: Session) -> AuditedResult[bool]:
            where = f"WHERE id = {session.dialect.param}"
            text = f"{_SELECTED} {where}{session.dialect.for_update}"
            rows = await session.fetch(text, (override_id,))
            if not rows:
                return False, []
            await session.execute(f"DELETE FROM session_overrides {where}", (override_id,))
            before = self._from_row(rows[0])
            return True, [_entry(audit_context, "delete_session_override", before, None)]

        return await self._write_audited(work, audit_context.at)

    def _to_row(self, override: SessionOverride) -> tuple[Any, ...]:
        return (
            *(override.id, override.session.value, override.day.isoformat()),
            *(_time_text(override.opens), _time_text(override.closes)),
            *(override.comment, override.set_by, override.set_by_user_id),
            self._dialect.encode_time(override.set_at),
        )

    def _from_row(self, row: Sequence[Any]) -> SessionOverride:
        return SessionOverride(
            id=row[0],
            session=MarketSession(row[1]),
            day=date.fromisoformat(row[2]),
            opens=None if row[3] is None else time.fromisoformat(row[3]),
            closes=None if row[4] is None else time.fromisoformat(row[4]),
            comment=row[5],
            set_by=row[6],
            set_by_user_id=row[7],
            set_at=self._dialect.decode_time(row[8]),
        )


def _time_text(local: time | None) -> str | None:
    return None if local is None else local.isoformat("minutes")


def _entry(
    audit_context: AuditContext,
    action: str,
    before: SessionOverride | None,
    after: SessionOverride | None,
) -> AuditEntry:
    named = after or before
    assert named is not None, "an override is set or deleted"
    return audit_context.entry(
        action,
        "session_override",
        named.id,
        before=None if before is None else dumps(override_row(before)),
        after=None if after is None else dumps(override_row(after)),
    )
