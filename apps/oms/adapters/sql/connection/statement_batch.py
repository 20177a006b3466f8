"""Statements that are known before the first is sent, and go out together.

Two ways, by what the driver does best. *Repeated*: one-row text and the rows, where the driver
repeats a prepared statement cheaply (SQLite in the process, MariaDB's bulk protocol over asyncmy);
no value is ever written as text, which halves the cost on both sides of the wire. *At once*: each
statement holds all its rows as text, and all statements travel in one packet; the better way where
nothing repeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from oms.adapters.sql.connection.dialect import Dialect

Values = tuple[Any, ...]


class StaleRowError(Exception):
    """A statement met another number of rows than it had to; the transaction must be undone."""

    def __init__(self, statement: "Statement") -> None:
        super().__init__(statement.name)
        self.statement = statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One text, run once for each of ``rows``."""

    name: str
    text: str
    rows: Sequence[Values]
    #: How many rows it must meet, as the database counts; ``None`` does not matter.
    expected_rows: int | None = None

    def missed(self, met: int) -> StaleRowError | None:
        """What to raise when the statement met ``met`` rows."""
        return None if self.expected_rows in (None, met) else StaleRowError(self)


@dataclass(slots=True)
class StatementBatch:
    """Statements in order, all worded for one way."""

    dialect: Dialect
    statements: list[Statement] = field(default_factory=list)

    @property
    def is_multi_row(self) -> bool:
        """Whether each statement holds all its rows."""
        return not self.dialect.has_bulk_execute

    def add(
        self, name: str, text: str, rows: Sequence[Values], expected_rows: int | None = None
    ) -> None:
        """Put a statement at the end."""
        self.statements.append(
            Statement(name=name, text=text, rows=rows, expected_rows=expected_rows)
        )
