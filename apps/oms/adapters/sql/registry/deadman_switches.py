"""Dead-man switches in the table ``deadman_switches``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.registry.kill_switches import write_activation
from oms.adapters.sql.rows import commands as command_rows
from oms.domain.risk.deadman import DeadmanAction, DeadmanState, DeadmanSwitch
from oms.domain.risk.kill_switch import KillSwitch
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.command_queue import NewCommand
from oms.ports.registry import AuditEntry
from oms.wire.json import dumps, loads
from oms.wire.responses.deadman_rows import deadman_row

_COLUMNS = (
    *("id", "account_ids_json", "strategy_ids_json", "timeout_seconds", "action", "state"),
    *("deadline", "is_extended", "comment", "set_by", "set_by_user_id", "set_by_api_key_id"),
    *("created_at", "beat_at", "fired_at", "disarmed_at"),
)
_INSERT = BulkInsert(table="deadman_switches", columns=_COLUMNS)
_SELECTED = f"SELECT {', '.join(_COLUMNS)} FROM deadman_switches"


class SqlDeadmanStore(AuditedWriter):
    """``ports.admin.deadman_switches.DeadmanStore``."""

    async def arm(self, switch: DeadmanSwitch, audit_context: AuditContext) -> DeadmanSwitch:
        """Store a new switch with its audit row; returns it with its id."""
        armed = evolve(switch, id=await self._ids.allocate("deadman"))

        async def work(session: Session) -> AuditedResult[DeadmanSwitch]:
            await _INSERT(session, [self._to_row(armed)])
            return armed, [_entry(audit_context, "deadman_arm", None, armed)]

        return await self._write_audited(work, audit_context.at)

    async def beat(self, switch_ids: Sequence[int], at: datetime) -> int:
        """Move the deadlines of armed switches; returns how many there are."""
        if not switch_ids:
            return 0
        params, values = self._dialect.in_list(switch_ids)
        text = f"{_SELECTED} WHERE id IN ({params}) AND state = 'armed'"
        armed = [self._from_row(row) for row in await self._database.fetch(text, values)]
        if not armed:
            return 0

        async def work(session: Session) -> int:
            return sum([await self._move(session, s, at, is_extended=False) for s in armed])

        return await self._database.commit(work)

    async def disarm(self, switch_id: int, audit_context: AuditContext) -> DeadmanSwitch | None:
        """Disarm an armed or fired switch with its audit row; ``None`` if it was disarmed."""

        async def work(session: Session) -> AuditedResult[DeadmanSwitch | None]:
            param, at = session.dialect.param, session.dialect.encode_time(audit_context.at)
            select = f"{_SELECTED} WHERE id = {param}{session.dialect.for_update}"
            rows = await session.fetch(select, (switch_id,))
            before = self._from_row(rows[0]) if rows else None
            if before is None or before.state is DeadmanState.DISARMED:
                return None, []
            await session.execute(
                f"UPDATE deadman_switches SET state = 'disarmed', disarmed_at = {param}"
                f" WHERE id = {param}",
                (at, switch_id),
            )
            after = evolve(before, state=DeadmanState.DISARMED, disarmed_at=audit_context.at)
            return after, [_entry(audit_context, "deadman_disarm", before, after)]

        return await self._write_audited(work, audit_context.at)

    async def find(self, switch_id: int) -> DeadmanSwitch | None:
        """Return a switch in any state."""
        text = f"{_SELECTED} WHERE id = {self._dialect.param}"
        rows = await self._database.fetch(text, (switch_id,))
        return self._from_row(rows[0]) if rows else None

    async def all(self, *, is_active: bool, limit: int) -> Sequence[DeadmanSwitch]:
        """Return the newest switches, ascending; with ``is_active`` armed and fired ones."""
        where = " WHERE state IN ('armed', 'fired')" if is_active else ""
        text = f"{_SELECTED}{where} ORDER BY id DESC LIMIT {limit:d}"
        rows = await self._database.fetch(text, ())
        return [self._from_row(row) for row in reversed(rows)]

    async def overdue(self, now: datetime) -> Sequence[DeadmanSwitch]:
        """Return the armed switches whose deadline has passed."""
        param, at = self._dialect.param, self._dialect.encode_time(now)
        text = f"{_SELECTED} WHERE state = 'armed' AND deadline <= {param} ORDER BY id"
        return [self._from_row(row) for row in await self._database.fetch(text, (at,))]

    async def extend(self, switch: DeadmanSwitch, now: datetime) -> None:
        """Give an armed switch a fresh timeout, unless its deadline has changed meanwhile."""

        async def work(session: Session) -> int:
            return await self._move(session, switch, now, is_extended=True)

        await self._database.commit(work)

    async def fire(
        self,
        switch: DeadmanSwitch,
        kill_switches: Sequence[KillSwitch],
        commands: Sequence[NewCommand],
        audit_context: AuditContext,
    ) -> bool:
        """Store that a switch fired, its kill switches and its commands, once."""
        first_id = await self._ids.allocate("event", max(len(kill_switches), 1))

        async def work(session: Session) -> AuditedResult[bool]:
            dialect, param = session.dialect, session.dialect.param
            changed = await session.execute(
                f"UPDATE deadman_switches SET state = 'fired', fired_at = {param}"
                f" WHERE id = {param} AND state = 'armed' AND deadline = {param}",
                (
                    dialect.encode_time(audit_context.at),
                    switch.id,
                    dialect.encode_time(switch.deadline),
                ),
            )
            if not changed:
                return False, []
            rows = [command_rows.command_to_row(command, dialect) for command in commands]
            await command_rows.INSERT(session, rows)
            fired = evolve(switch, state=DeadmanState.FIRED, fired_at=audit_context.at)
            entries = [_entry(audit_context, "deadman_fire", switch, fired)]
            for event_id, kill_switch in enumerate(kill_switches, start=first_id):
                entries.append(
                    await write_activation(session, event_id, kill_switch, audit_context)
                )
            return True, entries

        return await self._write_audited(work, audit_context.at, len(kill_switches) + 1)

    async def _move(
        self, session: Session, switch: DeadmanSwitch, at: datetime, *, is_extended: bool
    ) -> int:
        """Set the deadline of a switch to its timeout after ``at``; never to an earlier time."""
        dialect, param = session.dialect, session.dialect.param
        beat = "" if is_extended else f", beat_at = {param}"
        beat_values = () if is_extended else (dialect.encode_time(at),)
        deadline = dialect.encode_time(at + switch.timeout)
        return await session.execute(
            f"UPDATE deadman_switches SET deadline = {param}, is_extended = {param}{beat}"
            f" WHERE id = {param} AND state = 'armed' AND deadline < {param}",
            (deadline, int(is_extended), *beat_values, switch.id, deadline),
        )

    def _to_row(self, switch: DeadmanSwitch) -> tuple[Any, ...]:
        dialect = self._dialect
        return (
            *(switch.id, dumps(list(switch.account_ids)), dumps(list(switch.strategy_ids))),
            *(switch.timeout_seconds, switch.action.value, switch.state.value),
            *(dialect.encode_time(switch.deadline), int(switch.is_extended), switch.comment),
            *(switch.set_by, switch.set_by_user_id, switch.set_by_api_key_id),
            *(dialect.encode_time(switch.set_at), dialect.encode_time(switch.beat_at), None, None),
        )

    def _from_row(self, row: Any) -> DeadmanSwitch:
        dialect = self._dialect
        return DeadmanSwitch(
            id=row[0],
            account_ids=tuple(loads(row[1])),
            strategy_ids=tuple(loads(row[2])),
            timeout_seconds=row[3],
            action=DeadmanAction(row[4]),
            state=DeadmanState(row[5]),
            deadline=dialect.decode_time(row[6]),
            is_extended=bool(row[7]),
            comment=row[8],
            set_by=row[9],
            set_by_user_id=row[10],
            set_by_api_key_id=row[11],
            set_at=dialect.decode_time(row[12]),
            beat_at=dialect.decode_time(row[13]),
            fired_at=dialect.decode_optional_time(row[14]),
            disarmed_at=dialect.decode_optional_time(row[15]),
        )


def _entry(
    audit_context: AuditContext, action: str, before: DeadmanSwitch | None, after: DeadmanSwitch
) -> AuditEntry:
    return audit_context.entry(
        action,
        "deadman_switch",
        after.id,
        before=None if before is None else dumps(deadman_row(before)),
        after=dumps(deadman_row(after)),
    )
