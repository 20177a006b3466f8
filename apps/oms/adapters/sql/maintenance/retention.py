"""Deletion of expired rows: old events and old calls that changed nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.rows.commands import PENDING_STATUSES, TRADING_CALL_SQL


async def delete_expired(
    session: Session, before: datetime, calls_before: datetime, limit: int
) -> int:
    """Delete the oldest expired events and calls, at most ``limit`` of each; returns the count."""
    dialect, waiting = session.dialect, ", ".join(f"'{word}'" for word in PENDING_STATUSES)
    events = await session.fetch(
        f"SELECT id FROM event_outbox WHERE created_at < {dialect.param}"
        f" ORDER BY created_at LIMIT {dialect.param}",
        (dialect.encode_time(before), limit),
    )
    calls = await session.fetch(
        f"SELECT id FROM {dialect.with_index('oms_commands', 'ix_oms_commands_type')}"
        f" WHERE command_type IN ('ccxt_call', 'connection') AND created_at < {dialect.param}"
        f" AND NOT {TRADING_CALL_SQL.format('')}"
        f" AND status NOT IN ({waiting}) ORDER BY created_at LIMIT {dialect.param}",
        (dialect.encode_time(calls_before), limit),
    )
    await _delete(session, "event_outbox", events)
    await _delete(session, "oms_commands", calls)
    return len(events) + len(calls)


async def _delete(session: Session, table: str, rows: Sequence[Any]) -> None:
    if rows:
        ids = tuple(row[0] for row in rows)
        await session.execute(
            f"DELETE FROM {table} WHERE id IN ({session.dialect.params(len(ids))})", ids
        )
