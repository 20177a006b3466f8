"""Many rows in one statement: text built once per table, values bound.

On MySQL a batch becomes one multi-row INSERT, several times cheaper than a statement a row; on
SQLite, where a statement costs no round trip, the driver repeats the prepared one-row statement,
which also knows no limit of bound values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from oms.adapters.sql.dialect import Dialect

ROWS_PER_STATEMENT_MAX = 500
#: Characters of JSON in one statement: a quarter of the packet that servers take by default.
TEXT_PER_STATEMENT_MAX = 4 * 1024 * 1024

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """INSERT into ``table``; where ``changes`` are named, an upsert by the primary ``key``."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("id",)
    changes: tuple[str, ...] = ()
    #: Index of the column whose text may be long.
    long_column: int | None = None

    async def __call__(
        self, connection: AsyncConnection, dialect: Dialect, rows: Sequence[Values]
    ) -> int:
        """Write ``rows``; how many rows the database counts (on MySQL an update counts 2)."""
        if not rows:
            return 0
        row = f"({dialect.marks(len(self.columns))})"
        head = f"INSERT INTO {self.table} ({', '.join(self.columns)}) VALUES "
        tail = dialect.upsert_tail(self.key, self.changes) if self.changes else ""
        if not dialect.multi_row:
            result = await connection.exec_driver_sql(head + row + tail, list(rows))
            return result.rowcount
        counted = 0
        for part in self._parts(rows):
            text = head + ", ".join([row] * len(part)) + tail
            result = await connection.exec_driver_sql(text, tuple(chain.from_iterable(part)))
            counted += result.rowcount
        return counted

    def _parts(self, rows: Sequence[Values]) -> Iterator[Sequence[Values]]:
        """``rows`` in pieces that one statement may carry."""
        if self.long_column is None:
            for start in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
                yield rows[start : start + ROWS_PER_STATEMENT_MAX]
            return
        start, size = 0, 0
        for index, row in enumerate(rows):
            length = len(row[self.long_column])
            full = index - start >= ROWS_PER_STATEMENT_MAX or size + length > TEXT_PER_STATEMENT_MAX
            if full and index > start:
                yield rows[start:index]
                start, size = index, 0
            size += length
        yield rows[start:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """UPDATE of rows that exist, by their ``key``; a row's values begin with it."""

    table: str
    key: str
    columns: tuple[str, ...]
    #: A change that needs no value and always changes something.
    also: str
    #: SQL text for columns without default. MySQL's cheapest way to change many rows differently
    #: in one statement is an INSERT that always meets its key; the fillers are never stored.
    fillers: Mapping[str, str]

    async def __call__(
        self, connection: AsyncConnection, dialect: Dialect, rows: Sequence[Values]
    ) -> None:
        """Change ``rows``; an assertion fails, and undoes the transaction, if one is missing."""
        if not rows:
            return
        if not dialect.multi_row:
            sets = ", ".join([*(f"{name} = ?" for name in self.columns), self.also])
            text = f"UPDATE {self.table} SET {sets} WHERE {self.key} = ?"
            turned = [(*row[1:], row[0]) for row in rows]
            result = await connection.exec_driver_sql(text, turned)
            assert result.rowcount == len(rows), f"a row of {self.table} is missing"
            return
        names = (self.key, *self.columns, *self.fillers)
        row_text = f"({', '.join([dialect.marks(1 + len(self.columns)), *self.fillers.values()])})"
        head = f"INSERT INTO {self.table} ({', '.join(names)}) VALUES "
        tail = dialect.upsert_tail((self.key,), self.columns) + f", {self.also}"
        for start in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
            part = rows[start : start + ROWS_PER_STATEMENT_MAX]
            text = head + ", ".join([row_text] * len(part)) + tail
            result = await connection.exec_driver_sql(text, tuple(chain.from_iterable(part)))
            # The server counts 2 for a changed row and 1 for one that it had to make.
            assert result.rowcount == 2 * len(part), f"a row of {self.table} is missing"


async def fetch(
    connection: AsyncConnection, text: str, values: Sequence[Any] = ()
) -> Sequence[Any]:
    """All rows of a SELECT in driver text."""
    return (await connection.exec_driver_sql(text, tuple(values))).all()
