"""Measures what a statement costs: rows or steps, and the tables that it scans.

Statements of one store are recorded when sent and repeated on a separate connection, where session
counters are exact: MariaDB counts the rows read by storage engines, SQLite the steps of its virtual
machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

from kit.databases.sql import connect
from oms.adapters.sql.connection.database import Database, Work
from oms.adapters.sql.connection.database import connect as connect_database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch

Result = TypeVar("Result")
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


@dataclass(frozen=True, slots=True)
class RecordedDatabase(Database):
    """Records the SELECT, UPDATE and DELETE statements that are sent through it."""

    records: list[RecordedStatement] = field(default_factory=list)

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the database at ``url``."""
        database = await connect_database(url)
        return cls(*(getattr(database, each.name) for each in fields(database)))

    async def read(self, work: Work[Result], *, prepare: bool = False) -> Result:
        """See ``Database``."""
        return await Database.read(self, self._recorded(work), prepare=prepare)

    async def write(self, work: Work[Result]) -> Result:
        """See ``Database``."""
        return await Database.write(self, self._recorded(work))

    def _recorded(self, work: Work[Result]) -> Work[Result]:
        return lambda session: work(_RecordingSession(session, self.records))


class _RecordingSession:
    """Executes statements in ``session`` and records them, in whichever thread that is."""

    def __init__(self, session: Session, records: list[RecordedStatement]) -> None:
        self.dialect = session.dialect
        self._session = session
        self._records = records

    async def execute(self, text: str, values: Sequence[Any] = ()) -> int:
        """See ``Session``."""
        self._record(text, values)
        return await self._session.execute(text, values)

    async def send(self, batch: StatementBatch) -> None:
        """See ``Session``."""
        for statement in batch.statements:
            self._record(statement.text, statement.rows[0])
        await self._session.send(batch)

    async def fetch(self, text: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        """See ``Session``."""
        self._record(text, values)
        return await self._session.fetch(text, values)

    async def rollback(self) -> None:
        """See ``Session``."""
        await self._session.rollback()

    def _record(self, text: str, values: Sequence[Any]) -> None:
        if text.startswith(("SELECT", "UPDATE", "DELETE")):
            self._records.append(RecordedStatement(text, tuple(values)))


def measure_cost(dsn: str, statement_record: RecordedStatement) -> StatementCost:
    """Measures the statement now; its writes are rolled back."""
    with connect(dsn) as connection:
        return measure_on(connection, dsn, statement_record)


def measure_on(connection: Any, dsn: str, statement_record: RecordedStatement) -> StatementCost:
    """Like ``measure_cost``, on an open connection to ``dsn``."""
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
