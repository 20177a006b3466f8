"""Recorded statements, with values that find rows among those of ``filled_tables``."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kit.databases.bulk_history import FIRST_ACCOUNT, FIRST_ID
from kit.databases.statement_costs import RecordedStatement
from kit.statements.canonical import bound_value, mariadb_statement
from oms.domain.times import utc_text

#: What is compared with a bound value: a column, or the columns of a row.
_COMPARED = re.compile(r"([\w.`\"]+)\s*(=|<>|!=|<=|>=|<|>|IN|LIKE|IS|NOT IN)\s*\(*\s*$")
_ROW = re.compile(r"\(([\w., `\"]+)\)\s*(?:IN|=|<|>|<=|>=)\s*\(*\s*$")
_IDS = ("id", "order_id", "position_id", "command_id", "deal_id", "event_id", "chain_no", "row_id")
_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+([a-z_]+)(?:\s+(?:AS\s+)?([a-z_]\w*))?", re.I)
#: Rows are a second apart, so windows of time have as many rows in a longer past.
WINDOW_SECONDS = 100
#: Larger pages would have more rows than a short past.
PAGE_ROWS_MAX = 100
_NO_ALIAS = frozenset(
    (
        *("where", "set", "on", "order", "group", "limit", "join", "left", "inner", "indexed"),
        *("force", "as", "using", "union", "cross", "having", "values", "select", "offset"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One statement of the gateway in canonical notation, and the functions that send it."""

    text: str
    values: Sequence[Any]
    senders: Sequence[str]

    def tables(self) -> dict[str, str]:
        """The tables by the names that the statement gives them."""
        named: dict[str, str] = {}
        for table, alias in _TABLE.findall(self.text):
            named[table] = table
            if alias and alias.lower() not in _NO_ALIAS:
                named[alias] = table
        return named

    def bound(self, *, rows: int, accounts: int, is_sqlite: bool) -> RecordedStatement:
        """Return the statement for a kind of database, with values that find rows."""
        values = []
        for number, (before, value) in enumerate(
            zip(_befores(self.text), self.values, strict=True)
        ):
            chosen = _chosen(_column_of(before), before, value, number, rows, accounts)
            if before.endswith("LIMIT ") and isinstance(value, int):
                chosen = min(value, PAGE_ROWS_MAX)
            if before.endswith(("INTERVAL ", "'now', ")):
                chosen = "+5.000 seconds" if is_sqlite else 5_000_000
            values.append(bound_value(chosen, is_sqlite=is_sqlite))
        text = self.text if is_sqlite else mariadb_statement(self.text)
        return RecordedStatement(text, tuple(values))


def read_recorded(path: Path) -> Sequence[Recorded]:
    """Return the recorded statements of a file, one a line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Recorded(**json.loads(line)) for line in lines]


def _befores(text: str) -> Iterator[str]:
    """Yield the text before each bound value, with question marks in quotes left out."""
    in_quotes = False
    for number, character in enumerate(text):
        if character == "'":
            in_quotes = not in_quotes
        elif character == "?" and not in_quotes:
            yield text[:number]


def _column_of(before: str) -> str | None:
    """The column that the next bound value is compared with."""
    plain = re.sub(r"(?:\?|\(\?\)|-?\d+)\s*,\s*$", "", before)
    while plain != (shorter := re.sub(r"\(?(?:\?,\s*)*\?\)?,\s*$|\?,\s*\(?$", "", plain)):
        plain = shorter
    position = len(re.findall(r"\?", before[len(plain) :]))
    if found := _ROW.search(plain):
        names = [name.strip() for name in found[1].split(",")]
        if len(names) > 1:
            return _bare(names[position % len(names)])
    found = _COMPARED.search(plain)
    return None if found is None else _bare(found[1])


def _bare(name: str) -> str:
    return name.strip('`"').rpartition(".")[2].strip('`"')


def _chosen(
    column: str | None, before: str, value: Any, number: int, rows: int, accounts: int
) -> Any:
    """A value that is compared with ``column`` and finds old rows."""
    if column is None or value is None or isinstance(value, dict):
        return value
    is_bound = re.search(r"[<>]=?\s*\(*$", before) is not None
    if column == "account_id":
        return FIRST_ACCOUNT + number % accounts
    if column in _IDS and isinstance(value, int) and not isinstance(value, bool):
        if is_bound:
            return value if value < 1 or value > 10**12 else FIRST_ID + rows // 2
        return FIRST_ID + 1 + number
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:", value):
        ago = WINDOW_SECONDS if before.rstrip("( ").endswith("<") else 2 * WINDOW_SECONDS
        return utc_text(datetime.now(UTC) - timedelta(seconds=ago))
    return value
