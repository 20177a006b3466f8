"""Many rows of one table: text built from the columns that say something, values bound.

A column that is NULL in every row is left out: rows of one batch are much alike, most of what may
be absent is, and the bulk protocol cannot tell the type of nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch, Values

ROWS_PER_STATEMENT_MAX = 500
#: Characters of JSON in one statement: a quarter of the packet that servers take by default.
STATEMENT_CHARACTERS_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkInsert:
    """INSERT into ``table``; where ``changes`` are named, an upsert by the primary ``key``."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("id",)
    update_columns: tuple[str, ...] = ()
    #: Index of the column whose text may be long.
    long_column: int | None = None

    async def __call__(self, session: Session, rows: Sequence[Values]) -> None:
        """Write ``rows`` now."""
        script = StatementBatch(session.dialect)
        self.add_to(script, rows)
        await session.send(script)

    def add_to(self, script: StatementBatch, rows: Sequence[Values]) -> None:
        """Add what writes ``rows`` to the script."""
        dialect = script.dialect
        for part in self._parts(rows):
            columns, empty, filled = _filled(self.columns, part)
            tail = (
                dialect.upsert_clause(self.key, self.update_columns, empty)
                if self.update_columns
                else ""
            )
            _insert(script, self.table, columns, {}, tail, filled)

    def _parts(self, rows: Sequence[Values]) -> Iterator[Sequence[Values]]:
        """``rows`` in pieces that one statement may carry."""
        if self.long_column is None:
            for start in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
                yield rows[start : start + ROWS_PER_STATEMENT_MAX]
            return
        start, size = 0, 0
        for index, row in enumerate(rows):
            length = len(row[self.long_column])
            full = (
                index - start >= ROWS_PER_STATEMENT_MAX or size + length > STATEMENT_CHARACTERS_MAX
            )
            if full and index > start:
                yield rows[start:index]
                start, size = index, 0
            size += length
        if rows:
            yield rows[start:]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkUpdate:
    """UPDATE of rows that exist, by their ``key``; a row's values begin with it.

    A row that is missing raises ``Missed``.
    """

    table: str
    key: str
    columns: tuple[str, ...]
    #: A change that needs no value and always changes something.
    always_set: str
    #: SQL text for columns without default. The cheapest way to change many rows differently on
    #: MySQL is an INSERT that always meets its key; the fillers are never stored.
    fillers: Mapping[str, str]

    def add_to(self, script: StatementBatch, rows: Sequence[Values]) -> None:
        """Add what changes ``rows`` to the script."""
        for start in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
            part = rows[start : start + ROWS_PER_STATEMENT_MAX]
            columns, empty, filled = _filled((self.key, *self.columns), part)
            if script.dialect.name == "mysql":
                self._by_inserts(script, columns, empty, filled)
            else:
                self._one_by_one(script, columns, empty, filled)

    def _one_by_one(
        self,
        script: StatementBatch,
        columns: Sequence[str],
        empty: Sequence[str],
        rows: list[Values],
    ) -> None:
        param = script.dialect.param
        sets = [f"{name} = {param}" for name in columns[1:]]
        sets += [f"{name} = NULL" for name in empty]
        text = f"UPDATE {self.table} SET {', '.join([*sets, self.always_set])} WHERE {self.key} = {param}"
        turned = [(*row[1:], row[0]) for row in rows]
        script.add(self.table, text, turned, expected_rows=len(rows))

    def _by_inserts(
        self,
        script: StatementBatch,
        columns: Sequence[str],
        empty: Sequence[str],
        rows: list[Values],
    ) -> None:
        tail = (
            script.dialect.upsert_clause((self.key,), self.columns, empty) + f", {self.always_set}"
        )
        # The server counts 2 for a changed row and 1 for one that it had to make.
        _insert(script, self.table, columns, self.fillers, tail, rows, expected_rows=2 * len(rows))


def _insert(
    script: StatementBatch,
    table: str,
    columns: Sequence[str],
    fillers: Mapping[str, str],
    tail: str,
    rows: list[Values],
    expected_rows: int | None = None,
) -> None:
    """Add an INSERT of the rows, each with the same ``fillers``."""
    row = f"({', '.join([script.dialect.params(len(columns)), *fillers.values()])})"
    count = len(rows) if script.is_multi_row else 1
    head = f"INSERT INTO {table} ({', '.join([*columns, *fillers])}) VALUES "
    text = head + ", ".join([row] * count) + tail
    bound = [tuple(chain.from_iterable(rows))] if script.is_multi_row else rows
    script.add(table, text, bound, expected_rows)


def _filled(
    columns: Sequence[str], rows: Sequence[Values]
) -> tuple[Sequence[str], Sequence[str], list[Values]]:
    """The columns that say something, those that are NULL in every row, the rows without these."""
    by_column = list(zip(*rows, strict=True))
    count = len(rows)
    empty = [
        index
        for index, values in enumerate(by_column)
        if values[0] is None and values.count(None) == count
    ]
    if not empty:
        return columns, (), list(rows)
    kept = [index for index in range(len(columns)) if index not in set(empty)]
    return (
        [columns[index] for index in kept],
        [columns[index] for index in empty],
        list(zip(*(by_column[index] for index in kept), strict=True)),
    )
