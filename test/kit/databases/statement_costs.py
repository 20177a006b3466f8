"""Measures what a statement costs: rows or steps, and the tables that it scans.

Statements of the store are recorded when sent and repeated on a separate connection, where session
counters are exact: MariaDB counts the rows read by storage engines, SQLite the steps of its virtual
machine.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from kit.databases.sql import connect
from oms.adapters.sql.connection.session import ServerSession, SqliteSession
from oms.adapters.sql.connection.statement_batch import StatementBatch

#: Steps between two progress callbacks of SQLite.
STEPS_PER_CALLBACK = 50
_READ_COUNTERS = "SHOW SESSION STATUS LIKE 'Handler\\_read\\_%'"


@dataclass(frozen=True, slots=True)
class RecordedStatement:
    """One statement as sent."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementCost:
    """``work``: rows read (MariaDB) or steps (SQLite). ``scanned_tables``: the tables, by their
    aliases in the statement, that are read without an index."""

    work: int
    scanned_tables: Sequence[str]


def record_statements(patch: pytest.MonkeyPatch, url: str) -> list[RecordedStatement]:
    """Records the SELECT, UPDATE and DELETE statements that sessions send from now on.

    Only those to the database kind of ``url``: gateways that other tests share use SQLite.
    """
    records: list[RecordedStatement] = []

    def record(text: str, values: Sequence[Any]) -> None:
        if text.startswith(("SELECT", "UPDATE", "DELETE")):
            records.append(RecordedStatement(text, tuple(values)))

    def with_values(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def wrapper(self: Any, text: str, values: Sequence[Any] = ()) -> Any:
            record(text, values)
            return await original(self, text, values)

        return wrapper

    def with_script(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def wrapper(self: Any, script: StatementBatch) -> None:
            for statement in script.statements:
                record(statement.text, statement.rows[0])
            await original(self, script)

        return wrapper

    kind: Any = SqliteSession if url.startswith("sqlite") else ServerSession
    patch.setattr(kind, "fetch", with_values(kind.fetch))
    patch.setattr(kind, "execute", with_values(kind.execute))
    patch.setattr(kind, "send", with_script(kind.send))
    return records


def measure_cost(dsn: str, statement_record: RecordedStatement) -> StatementCost:
    """Measures the statement now; its writes are rolled back."""
    with connect(dsn) as connection:
        measure = _measure_sqlite if dsn.startswith("sqlite") else _measure_mariadb
        cost = measure(connection, statement_record)
        connection.rollback()
        return cost


def _measure_mariadb(connection: Any, statement_record: RecordedStatement) -> StatementCost:
    cursor = connection.cursor()
    cursor.execute("FLUSH LOCAL STATUS")
    cursor.execute(statement_record.text, statement_record.values)
    cursor.fetchall()
    cursor.execute(_READ_COUNTERS)
    rows_read = sum(int(row[1]) for row in cursor.fetchall())
    cursor.execute(f"EXPLAIN {statement_record.text}", statement_record.values)
    steps = cursor.fetchall()
    # id, select_type, table, type, possible_keys, key, key_len, ref, rows, extra
    return StatementCost(
        work=rows_read, scanned_tables=[str(step[2]) for step in steps if step[3] == "ALL"]
    )


def _measure_sqlite(connection: Any, statement_record: RecordedStatement) -> StatementCost:
    calls = 0

    def count_call() -> int:
        nonlocal calls
        calls += 1
        return 0

    plan = connection.execute(
        f"EXPLAIN QUERY PLAN {statement_record.text}", statement_record.values
    ).fetchall()
    connection.set_progress_handler(count_call, STEPS_PER_CALLBACK)
    connection.execute(statement_record.text, statement_record.values).fetchall()
    connection.set_progress_handler(None, 0)
    scans = [step[3].split() for step in plan if step[3].startswith("SCAN")]
    scanned_tables = [words[1] for words in scans if "USING" not in words]
    return StatementCost(work=calls * STEPS_PER_CALLBACK, scanned_tables=scanned_tables)
