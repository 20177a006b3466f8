"""The lines of a backup file: written from rows, and read with all that may be wrong with them.

The first line contains format, schema version and columns, each further line a row:
``{"t": table, "r": [values]}``, values in the order of the columns. The last line contains the
number of rows by table: a file without it was cut off.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Date, Table
from sqlalchemy.types import TypeEngine

from oms.adapters.sql.connection.column_types import DecimalType, TimestampType
from oms.adapters.sql.tables import METADATA
from oms.domain.errors import Invalid
from oms.domain.money import decimal_text, parse_decimal

FORMAT = "oms-backup-2"
ROWS_PER_BATCH = 500

CUT_OFF = "it is cut off or damaged"
_PLAIN = (type(None), bool, int, float, str)


class BackupReader:
    """Reads one file. Every method raises ``Invalid`` for a file that is no valid backup."""

    FORMAT = FORMAT
    NAME = "backup"

    def __init__(self, path: Path) -> None:
        """Open the file and read its first line. Raises ``Invalid``, ``OSError``."""
        self._path = path
        self._file: TextIO = gzip.open(path, "rt", encoding="utf-8")  # noqa: SIM115
        try:
            self.head, self._columns = self._read_head()
        except BaseException:
            self._file.close()
            raise

    @property
    def schema(self) -> str | None:
        """Schema version of the database that the rows are of."""
        return self.head.get("schema")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def batches(self) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
        """Yield consecutive rows of one table in batches; the last only of a complete file."""
        counts: dict[str, int] = {}
        end: object = None
        table: Table | None = None
        rows: list[dict[str, Any]] = []
        for line in self._lines():
            if "end" in line:
                end = line["end"]
                continue
            next_table, row = self._row(line)
            counts[next_table.name] = counts.get(next_table.name, 0) + 1
            if table is not None and (next_table is not table or len(rows) == ROWS_PER_BATCH):
                yield table, rows
                rows = []
            table = next_table
            rows.append(row)
        if not isinstance(end, dict) or counts != {name: n for name, n in end.items() if n}:
            raise self._invalid(CUT_OFF)
        if table is not None:
            yield table, rows

    def _read_head(self) -> tuple[Mapping[str, Any], Mapping[str, list[str]]]:
        head = next(self._lines(), None)
        if head is None:
            raise self._invalid(CUT_OFF)
        columns = head.get("columns")
        if head.get("format") != self.FORMAT or not isinstance(columns, dict):
            raise self._invalid(f"the file is not a {self.FORMAT} file")
        for name, listed in columns.items():
            known = METADATA.tables[name].columns.keys() if name in METADATA.tables else ()
            if not isinstance(listed, list) or any(column not in known for column in listed):
                raise self._invalid(f"table {name} has other columns")
        return head, columns

    def _lines(self) -> Iterator[dict[str, Any]]:
        while True:
            try:
                text = self._file.readline()
            except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError):
                raise self._invalid(CUT_OFF) from None
            if not text:
                return
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                line = None
            if not isinstance(line, dict):
                raise self._invalid(CUT_OFF)
            yield line

    def _row(self, line: Mapping[str, Any]) -> tuple[Table, dict[str, Any]]:
        name, values = str(line.get("t")), line.get("r")
        if name not in METADATA.tables or name not in self._columns:
            raise self._invalid(f"there is no table {name}")
        table, names = METADATA.tables[name], self._columns[name]
        if not isinstance(values, list) or len(values) != len(names):
            raise self._invalid(f"a row of {name} has other columns")
        try:
            row = {
                column: decode_value(value, table.columns[column].type)
                for column, value in zip(names, values, strict=True)
            }
        except (TypeError, ValueError, ArithmeticError):
            raise self._invalid(f"a row of {name} has an invalid value") from None
        return table, row

    def _invalid(self, reason: str) -> Invalid:
        return Invalid(f"{self._path}: not a valid {self.NAME}: {reason}")


def open_backup(path: Path) -> "closing[BackupReader]":
    """Return the reader of a file as a context. Raises ``Invalid``, ``OSError``."""
    return closing(BackupReader(path))


def write_head(file: TextIO, schema: str | None) -> None:
    """Write the first line."""
    columns = {table.name: list(table.columns.keys()) for table in METADATA.sorted_tables}
    write_line(file, {"format": FORMAT, "schema": schema, "columns": columns})


def write_row(file: TextIO, table: Table, row: Any) -> None:
    """Write the line of a row."""
    write_line(file, {"t": table.name, "r": [encode_value(value) for value in row]})


def write_end(file: TextIO, counts: Mapping[str, int]) -> None:
    """Write the last line: the number of rows by table."""
    write_line(file, {"end": counts})


def write_line(file: TextIO, content: Mapping[str, Any]) -> None:
    """Write one object as a line of JSON."""
    file.write(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")


def encode_value(value: Any) -> Any:
    """Return a value of a row as it is written."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    return value.isoformat() if isinstance(value, date) else value


def decode_value(value: Any, kind: TypeEngine[Any]) -> Any:
    """Return the value of a column. Raises ``TypeError``, ``ValueError``, ``ArithmeticError``."""
    if not isinstance(value, _PLAIN):
        raise TypeError(value)
    if value is None:
        return None
    if not isinstance(kind, DecimalType | TimestampType | Date):
        return value
    if not isinstance(value, str):
        raise TypeError(value)
    if isinstance(kind, DecimalType):
        return parse_decimal(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(value)
    return at
