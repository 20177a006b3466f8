"""Bulk INSERT and UPDATE of many rows of one table with bound values.

Columns that are NULL in every row are left out: the rows of a batch are alike, most optional
columns are empty, and the bulk protocol cannot encode the type of a column without values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch, Values

ROWS_PER_STATEMENT_MAX = 500
#: Characters of the long column in one statement: a quarter of the default maximum packet size.
STATEMENT_CHARACTERS_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkInsert:
    """INSERT into ``table``; with ``update_columns`` an upsert by the primary ``key``."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("id",)
    update_columns: tuple[str, ...] = ()
    #: Index of the column whose text may be long; bounds the size of a statement.
    long_column: int | None = None
    #: Column that gets the database's time of the statement.
    time_column: str | None = None

    async def __call__(self, session: Session, rows: Sequence[Values]) -> None:
        """Execute the INSERT of ``rows``."""
        batch = StatementBatch(session.dialect)
        self.add_to(batch, rows)
        await session.send(batch)

    def add_to(self, batch: StatementBatch, rows: Sequence[Values]) -> None:
        """Append the statements that write ``rows``."""
        dialect = batch.dialect
        computed = {} if self.time_column is None else {self.time_column: dialect.now}
        for part in self._parts(rows):
            columns, empty, filled = _drop_null_columns(self.columns, part)
            tail = (
                dialect.upsert_clause(self.key, self.update_columns, empty)
                if self.update_columns
                else ""
            )
            _add_insert(batch, self.table, columns, computed, tail, filled)

    def _parts(self, rows: Sequence[Values]) -> Iterator[Sequence[Values]]:
        """Yield ``rows`` in parts that fit into one statement."""
        if self.long_column is None:
            for start in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
                yield rows[start : start + ROWS_PER_STATEMENT_MAX]
            return
        start, size = 0, 0
        for index, row in enumerate(rows):
            length = len(row[self.long_column])
            is_full = (
                index - start >= ROWS_PER_STATEMENT_MAX or size + length > STATEMENT_CHARACTERS_MAX
            )
            if is_full and index > start:
                yield rows[start:index]
                start, size = index, 0
            size += length
        if rows:
            yield rows[start:]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkUpdate:
    """UPDATE of existing rows by ``key``, which is the first value of each row.

    A missing row raises ``StaleRowError``.
    """

    table: str
    key: str
    columns: tuple[str, ...]
    #: Assignment without bound values that always changes the row.
    always_set: str
    #: SQL text for columns without default. On MySQL the cheapest way to update many rows with
    #: different values is an upsert that always finds its key; the fillers are never stored.
    fillers: Mapping[str, str]

    def add_to(self, batch: StatementBatch, rows: Sequence[Values]) -> None:
        """Append the statements that update ``rows``."""
        for start in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
            part = rows[start : start + ROWS_PER_STATEMENT_MAX]
            columns, empty, filled = _drop_null_columns((self.key, *self.columns), part)
            if batch.dialect.name == "mysql":
                self._add_upsert(batch, columns, empty, filled)
            else:
                self._add_update(batch, columns, empty, filled)

    def _add_update(
        self,
        batch: StatementBatch,
        columns: Sequence[str],
        empty: Sequence[str],
        rows: list[Values],
    ) -> None:
        param = batch.dialect.param
        sets = [f"{name} = {param}" for name in columns[1:]]
        sets += [f"{name} = NULL" for name in empty]
        assignments = ", ".join([*sets, self.always_set])
        text = f"UPDATE {self.table} SET {assignments} WHERE {self.key} = {param}"
        key_last = [(*row[1:], row[0]) for row in rows]
        batch.add(self.table, text, key_last, expected_rows=len(rows))

    def _add_upsert(
        self,
        batch: StatementBatch,
        columns: Sequence[str],
        empty: Sequence[str],
        rows: list[Values],
    ) -> None:
        tail = (
            batch.dialect.upsert_clause((self.key,), self.columns, empty) + f", {self.always_set}"
        )
        # MySQL counts 2 for an updated row and 1 for an inserted one.
        _add_insert(
            batch, self.table, columns, self.fillers, tail, rows, expected_rows=2 * len(rows)
        )


def _add_insert(
    batch: StatementBatch,
    table: str,
    columns: Sequence[str],
    expressions: Mapping[str, str],
    tail: str,
    rows: list[Values],
    expected_rows: int | None = None,
) -> None:
    """Append an INSERT of the rows, each with the same SQL ``expressions`` by column."""
    row = f"({', '.join([batch.dialect.params(len(columns)), *expressions.values()])})"
    count = len(rows) if batch.is_multi_row else 1
    head = f"INSERT INTO {table} ({', '.join([*columns, *expressions])}) VALUES "
    text = head + ", ".join([row] * count) + tail
    bound = [tuple(chain.from_iterable(rows))] if batch.is_multi_row else rows
    batch.add(table, text, bound, expected_rows)


def _drop_null_columns(
    columns: Sequence[str], rows: Sequence[Values]
) -> tuple[Sequence[str], Sequence[str], list[Values]]:
    """Return the columns with values, the columns NULL in every row, and the rows without them."""
    by_column = list(zip(*rows, strict=True))
    count = len(rows)
    kept, empty, filled = list[str](), list[str](), list[Values]()
    for column, values in zip(columns, by_column, strict=True):
        if values[0] is None and values.count(None) == count:
            empty.append(column)
        else:
            kept.append(column)
            filled.append(values)
    return (kept, empty, list(zip(*filled, strict=True))) if empty else (columns, (), list(rows))
