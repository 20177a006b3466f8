"""Kill switches in the table ``kill_switches``."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.registry.gateway_events import write_gateway_event
from oms.adapters.sql.rows import kill_switches
from oms.domain.risk.kill_switch import KillMode, KillScope, KillSwitch
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.registry import AuditEntry
from oms.wire.json import dumps
from oms.wire.responses.kill_switch_rows import kill_switch_changed, switch_row

_SELECTED = (
    "SELECT id, scope, scope_id, mode, comment, cancel_entries, flatten, set_by, set_by_user_id,"
    " set_by_api_key_id, created_at, released_at, released_by, release_comment, cause"
    " FROM kill_switches"
)


class SqlKillSwitchStore(AuditedWriter):
    """``ports.kill_switches.KillSwitchStore``."""

    async def activate(self, switch: KillSwitch, audit_context: AuditContext) -> KillSwitch:
        """Store an engaged switch with its audit row; returns it with its id."""
        pulled = evolve(switch, id=await self._ids.allocate("kill"))
        event_id = await self._ids.allocate("event")

        async def work(session: Session) -> AuditedResult[KillSwitch]:
            return pulled, [await write_activation(session, event_id, pulled, audit_context)]

        return await self._write_audited(work, audit_context.at)

    async def release(self, switch_id: int, audit_context: AuditContext) -> KillSwitch | None:
        """Release a switch with its audit row; ``None`` if it was already released."""
        event_id = await self._ids.allocate("event")

        async def work(session: Session) -> AuditedResult[KillSwitch | None]:
            param, at = session.dialect.param, session.dialect.encode_time(audit_context.at)
            changed = await session.execute(
                f"UPDATE kill_switches SET is_on = 0, released_at = {param}, released_by = {param},"
                f" release_comment = {param} WHERE id = {param} AND is_on = 1",
                (at, audit_context.actor, audit_context.comment, switch_id),
            )
            if not changed:
                return None, []
            after = self._switch_from_row(
                (await session.fetch(f"{_SELECTED} WHERE id = {param}", (switch_id,)))[0]
            )
            await _write_event(session, event_id, after, audit_context)
            before = evolve(after, released_at=None, released_by=None, release_comment=None)
            entry = audit_context.entry(
                "kill_off",
                "kill_switch",
                switch_id,
                before=dumps(switch_row(before)),
                after=dumps(switch_row(after)),
            )
            return after, [entry]

        return await self._write_audited(work, audit_context.at)

    async def find(self, switch_id: int) -> KillSwitch | None:
        """Return a switch, released or not."""
        text = f"{_SELECTED} WHERE id = {self._dialect.param}"
        rows = await self._database.fetch(text, (switch_id,))
        return self._switch_from_row(rows[0]) if rows else None

    async def all(self, *, is_on: bool, limit: int | None) -> Sequence[KillSwitch]:
        """Return the newest switches (``None``: all), ascending; with ``is_on`` active ones."""
        where = " WHERE is_on = 1" if is_on else ""
        newest = "" if limit is None else f" LIMIT {limit:d}"
        rows = await self._database.fetch(f"{_SELECTED}{where} ORDER BY id DESC{newest}", ())
        return [self._switch_from_row(row) for row in reversed(rows)]

    async def commands(self, switch: KillSwitch) -> Sequence[tuple[int, int, str, str | None]]:
        """Return the commands caused by a switch: (account id, command id, status, result JSON)."""
        param = self._dialect.param
        text = (
            "SELECT account_id, id, status, result_json FROM oms_commands"
            f" WHERE account_id IN (SELECT id FROM accounts) AND request_id IN ({param}, {param})"
            " AND command_type = 'kill' ORDER BY account_id"
        )
        # Switches activated before request ids were reserved have the second form.
        request_ids = (switch.activation_request_id, f"kill:{switch.id}")
        rows = await self._database.fetch(text, request_ids)
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def _switch_from_row(self, row: Any) -> KillSwitch:
        dialect = self._dialect
        return KillSwitch(
            id=row[0],
            scope=KillScope(row[1]),
            scope_id=row[2],
            mode=KillMode(row[3]),
            comment=row[4],
            cancel_entries=bool(row[5]),
            flatten=bool(row[6]),
            set_by=row[7],
            set_by_user_id=row[8],
            set_by_api_key_id=row[9],
            set_at=dialect.decode_time(row[10]),
            released_at=dialect.decode_optional_time(row[11]),
            released_by=row[12],
            release_comment=row[13],
            cause=row[14],
        )


async def write_activation(
    session: Session, event_id: int, switch: KillSwitch, audit_context: AuditContext
) -> AuditEntry:
    """Write the row and the event of a new switch; returns its audit row, to be written last."""
    await kill_switches.INSERT(session, [kill_switches.activation_to_row(switch, session.dialect)])
    await _write_event(session, event_id, switch, audit_context)
    return audit_context.entry("kill_on", "kill_switch", switch.id, after=dumps(switch_row(switch)))


async def _write_event(
    session: Session, event_id: int, switch: KillSwitch, audit_context: AuditContext
) -> None:
    """Write the event of account 0; the event of a single account is written by its worker."""
    if switch.scope is KillScope.ACCOUNT:
        return
    payload = dumps({"account_id": 0} | kill_switch_changed(switch, audit_context.actor))
    await write_gateway_event(session, event_id, "kill_switch_changed", payload, audit_context.at)
