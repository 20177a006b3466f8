"""What is kept for a time only: events that all listeners had, and calls that changed nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from oms.adapters.sql.bulk import fetch
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.rows.commands import WAITING


async def trimmed(
    connection: AsyncConnection, dialect: Dialect, before: datetime, limit: int
) -> int:
    """Forget the oldest rows made before ``before``, at most ``limit`` of each kind."""
    waiting = ", ".join(f"'{word}'" for word in WAITING)
    events = await fetch(
        connection,
        f"SELECT id FROM event_outbox WHERE created_at < {dialect.mark}"
        f" ORDER BY created_at LIMIT {dialect.mark}",
        (dialect.time_in(before), limit),
    )
    calls = await fetch(
        connection,
        f"SELECT id FROM {dialect.pinned('oms_commands', 'ix_oms_commands_type')}"
        f" WHERE command_type = 'ccxt_call' AND created_at < {dialect.mark}"
        f" AND status NOT IN ({waiting}) ORDER BY created_at LIMIT {dialect.mark}",
        (dialect.time_in(before), limit),
    )
    await _delete(connection, dialect, "event_outbox", events)
    await _delete(connection, dialect, "oms_commands", calls)
    return len(events) + len(calls)


async def _delete(
    connection: AsyncConnection, dialect: Dialect, table: str, rows: Sequence[Any]
) -> None:
    if rows:
        ids = tuple(row[0] for row in rows)
        await connection.exec_driver_sql(
            f"DELETE FROM {table} WHERE id IN ({dialect.marks(len(ids))})", ids
        )
