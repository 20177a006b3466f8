"""Statements built before the first is sent, and sent together.

There are two forms, chosen by what the driver does best. *Bulk*: the text of one row plus the rows,
where the driver executes a prepared statement for many rows cheaply (SQLite in process, MariaDB's
bulk protocol through asyncmy); values are never rendered as text, which halves the cost on both
ends. *Multi-row*: each statement contains all its rows as text, and all statements travel in one
packet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from oms.adapters.sql.connection.dialect import Dialect

Values = tuple[Any, ...]


class StaleRowError(Exception):
    """A statement affected an unexpected number of rows; the transaction must be rolled back."""

    def __init__(self, statement: "Statement") -> None:
        super().__init__(statement.name)
        self.statement = statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One SQL text, executed once for each of ``rows``."""

    name: str
    text: str
    rows: Sequence[Values]
    #: Number of affected rows that is required, as the database counts; ``None`` for any.
    expected_rows: int | None = None

    def check_affected(self, affected_rows: int) -> StaleRowError | None:
        """Return the error to raise if ``affected_rows`` is not the expected number."""
        return None if self.expected_rows in (None, affected_rows) else StaleRowError(self)


@dataclass(slots=True)
class StatementBatch:
    """Statements in order, all in one form."""

    dialect: Dialect
    statements: list[Statement] = field(default_factory=list)

    @property
    def is_multi_row(self) -> bool:
        """Whether each statement contains all its rows."""
        return not self.dialect.has_bulk_execute

    def add(
        self, name: str, text: str, rows: Sequence[Values], expected_rows: int | None = None
    ) -> None:
        """Append a statement."""
        self.statements.append(
            Statement(name=name, text=text, rows=rows, expected_rows=expected_rows)
        )
