"""What a statement costs a database: how many rows or steps, and which tables it walks through.

Statements of the store are noted as they are sent and repeated on a connection of our own, where
the database counts for us alone: MariaDB the rows that its tables handed out, SQLite the steps of
its machine.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from kit.databases.sql import connect
from oms.adapters.sql.connection.session import ServerSession, SqliteSession
from oms.adapters.sql.connection.statement_batch import StatementBatch

#: Steps between two looks of SQLite.
STEPS_PER_LOOK = 50
_READ = "SHOW SESSION STATUS LIKE 'Handler\\_read\\_%'"


@dataclass(frozen=True, slots=True)
class RecordedStatement:
    """One statement as it was sent."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementCost:
    """``work``: rows that MariaDB's tables handed out, or steps of SQLite. ``walked``: the tables,
    by the names they have in the statement, that are read without an index."""

    work: int
    scanned_tables: Sequence[str]


def record_statements(patch: pytest.MonkeyPatch) -> list[RecordedStatement]:
    """The statements that sessions send from now on: all but inserts and transaction words."""
    seen: list[RecordedStatement] = []

    def note(text: str, values: Sequence[Any]) -> None:
        if text.startswith(("SELECT", "UPDATE", "DELETE")):
            seen.append(RecordedStatement(text, tuple(values)))

    def with_values(honest: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def noted(self: Any, text: str, values: Sequence[Any] = ()) -> Any:
            note(text, values)
            return await honest(self, text, values)

        return noted

    def with_script(honest: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def noted(self: Any, script: StatementBatch) -> None:
            for statement in script.statements:
                note(statement.text, statement.rows[0])
            await honest(self, script)

        return noted

    for kind in (ServerSession, SqliteSession):
        patch.setattr(kind, "fetch", with_values(kind.fetch))
        patch.setattr(kind, "execute", with_values(kind.execute))
        patch.setattr(kind, "send", with_script(kind.send))
    return seen


def measure_cost(dsn: str, noted: RecordedStatement) -> StatementCost:
    """What the statement costs now; what it writes is undone."""
    with connect(dsn) as connection:
        asked = _asked_sqlite if dsn.startswith("sqlite") else _asked_mariadb
        cost = asked(connection, noted)
        connection.rollback()
        return cost


def _asked_mariadb(connection: Any, noted: RecordedStatement) -> StatementCost:
    cursor = connection.cursor()
    cursor.execute("FLUSH LOCAL STATUS")
    cursor.execute(noted.text, noted.values)
    cursor.fetchall()
    cursor.execute(_READ)
    read = sum(int(row[1]) for row in cursor.fetchall())
    cursor.execute(f"EXPLAIN {noted.text}", noted.values)
    steps = cursor.fetchall()
    # id, select_type, table, type, possible_keys, key, key_len, ref, rows, extra
    return StatementCost(
        work=read, scanned_tables=[str(step[2]) for step in steps if step[3] == "ALL"]
    )


def _asked_sqlite(connection: Any, noted: RecordedStatement) -> StatementCost:
    looks = 0

    def look() -> int:
        nonlocal looks
        looks += 1
        return 0

    plan = connection.execute(f"EXPLAIN QUERY PLAN {noted.text}", noted.values).fetchall()
    connection.set_progress_handler(look, STEPS_PER_LOOK)
    connection.execute(noted.text, noted.values).fetchall()
    connection.set_progress_handler(None, 0)
    walks = [step[3].split() for step in plan if step[3].startswith("SCAN")]
    scanned_tables = [words[1] for words in walks if "USING" not in words]
    return StatementCost(work=looks * STEPS_PER_LOOK, scanned_tables=scanned_tables)
