"""Many rows at once: text built from the columns that say something, values bound.

Two ways, by what the driver does best. Where it *repeats* a prepared statement for all rows (SQLite
in the process, MariaDB's bulk protocol over asyncmy) it is handed one-row text and the rows; a
value then is never written as text, which halves the cost on both sides of the wire. Elsewhere the
rows become one multi-row statement.

A column that is NULL in every row is left out: rows of one batch are much alike, most of what may
be absent is, and the bulk protocol cannot tell the type of nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from oms.adapters.sql.session import Session, Values

ROWS_PER_STATEMENT_MAX = 500
#: Characters of JSON in one statement: a quarter of the packet that servers take by default.
TEXT_PER_STATEMENT_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """INSERT into ``table``; where ``changes`` are named, an upsert by the primary ``key``."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("id",)
    changes: tuple[str, ...] = ()
    #: Index of the column whose text may be long.
    long_column: int | None = None

    async def __call__(self, session: Session, rows: Sequence[Values]) -> None:
        """Write ``rows``."""
        dialect = session.dialect
        for part in self._parts(rows):
            columns, empty, filled = _filled(self.columns, part)
            row = f"({dialect.marks(len(columns))})"
            head = f"INSERT INTO {self.table} ({', '.join(columns)}) VALUES "
            tail = dialect.upsert_tail(self.key, self.changes, empty) if self.changes else ""
            if dialect.repeats:
                await session.repeat(head + row + tail, filled)
            else:
                text = head + ", ".join([row] * len(filled)) + tail
                await session.execute(text, tuple(chain.from_iterable(filled)))

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
        if rows:
            yield rows[start:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """UPDATE of rows that exist, by their ``key``; a row's values begin with it."""

    table: str
    key: str
    columns: tuple[str, ...]
    #: A change that needs no value and always changes something.
    also: str
    #: SQL text for columns without default. Where nothing repeats statements, the cheapest way to
    #: change many rows differently at once is an INSERT that always meets its key; the fillers
    #: are never stored.
    fillers: Mapping[str, str]

    async def __call__(self, session: Session, rows: Sequence[Values]) -> None:
        """Change ``rows``; an assertion fails, and undoes the transaction, if one is missing."""
        for start in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
            part = rows[start : start + ROWS_PER_STATEMENT_MAX]
            columns, empty, filled = _filled((self.key, *self.columns), part)
            change = self._repeated if session.dialect.repeats else self._at_once
            changed = await change(session, columns, empty, filled)
            assert changed == len(part), f"a row of {self.table} is missing"

    async def _repeated(
        self,
        session: Session,
        columns: Sequence[str],
        empty: Sequence[str],
        rows: list[Values],
    ) -> int:
        dialect = session.dialect
        sets = [f"{name} = {dialect.mark}" for name in columns[1:]]
        sets += [f"{name} = NULL" for name in empty]
        text = (
            f"UPDATE {self.table} SET {', '.join([*sets, self.also])}"
            f" WHERE {self.key} = {dialect.mark}"
        )
        turned = [(*row[1:], row[0]) for row in rows]
        return await session.repeat(text, turned)

    async def _at_once(
        self,
        session: Session,
        columns: Sequence[str],
        empty: Sequence[str],
        rows: list[Values],
    ) -> int:
        dialect = session.dialect
        names = ", ".join([*columns, *self.fillers])
        row = f"({', '.join([dialect.marks(len(columns)), *self.fillers.values()])})"
        tail = dialect.upsert_tail((self.key,), self.columns, empty) + f", {self.also}"
        text = f"INSERT INTO {self.table} ({names}) VALUES {', '.join([row] * len(rows))}{tail}"
        counted = await session.execute(text, tuple(chain.from_iterable(rows)))
        # The server counts 2 for a changed row and 1 for one that it had to make.
        return counted // 2 if counted % 2 == 0 else -1


def _filled(
    columns: Sequence[str], rows: Sequence[Values]
) -> tuple[Sequence[str], Sequence[str], list[Values]]:
    """The columns that say something, those that are NULL in every row, the rows without these."""
    count = len(rows)
    by_column = list(zip(*rows, strict=True))
    empty = [index for index, values in enumerate(by_column) if values.count(None) == count]
    if not empty:
        return columns, (), list(rows)
    kept = [index for index in range(len(columns)) if index not in set(empty)]
    return (
        [columns[index] for index in kept],
        [columns[index] for index in empty],
        list(zip(*(by_column[index] for index in kept), strict=True)),
    )
