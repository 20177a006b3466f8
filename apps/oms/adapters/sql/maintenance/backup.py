"""Backup of all tables to one file and restore: gzipped JSON lines, portable between databases.

The first line contains format, schema version and columns, each further line a row:
``{"t": table, "r": [values]}``, values in the order of the columns. The last line contains the
number of rows by table: a file without it was cut off. A backup is one snapshot; a restore replaces
all rows in one transaction. Sealed credentials stay sealed: the master key is not included.
"""

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Date, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.adapters.sql.connection.column_types import DecimalType, TimestampType
from oms.adapters.sql.connection.database import BEGIN_CONSISTENT, Database
from oms.adapters.sql.connection.errors import DuplicateKey, public_error, translate_error
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.tables import METADATA
from oms.domain.errors import Conflict, Invalid
from oms.domain.money import decimal_text
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps

FORMAT = "oms-backup-2"
ROWS_PER_BATCH = 500
FILE_MODE = 0o600


class _CutOffError(Exception):
    """The file ends before its last line, or cannot be unpacked."""


class SqlBackup(AuditedWriter):
    """Writes and restores backup files."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        super().__init__(database, ids)

    async def write(self, path: Path, schema: str | None) -> dict[str, int]:
        """Write a backup; returns row counts by table. Raises ``Unavailable``, ``OSError``."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as raw, gzip.open(raw, "wt", encoding="utf-8") as file:
                rows = await self._write_rows(file, schema)
                _write_line(file, {"end": rows})
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return rows

    async def restore(
        self, path: Path, schema: str | None, audit_context: AuditContext
    ) -> dict[str, int]:
        """Replace all rows by those of the file; returns row counts by table.

        Raises ``Conflict``, ``Invalid``, ``Unavailable``.
        """
        with gzip.open(path, "rt", encoding="utf-8") as file:
            head = _head(file.readline())
            if head["schema"] != schema:
                message = f"the file is of schema {head['schema']}, the database of {schema}"
                raise Conflict(message)
            try:
                # The file is read inside the transaction: an invalid one changes nothing.
                async with self._database.write_engine.begin() as connection:
                    rows = await _replace_rows(connection, head["columns"], file)
            except _CutOffError:
                message = f"{path}: not a valid backup: it is cut off or damaged"
                raise Invalid(message) from None
            except self._database.driver_errors as error:
                if isinstance(translate_error(error), DuplicateKey):
                    raise Invalid("the file contains a row twice") from error
                raise public_error(error) from error

        async def work(session: Session) -> AuditedResult[None]:
            after = dumps({"rows": sum(rows.values())})
            return None, [audit_context.entry("restore", "database", path.name[:64], after=after)]

        await self._write_audited(work, audit_context.at)
        return rows

    async def _write_rows(self, file: Any, schema: str | None) -> dict[str, int]:
        columns = {table.name: list(table.columns.keys()) for table in METADATA.sorted_tables}
        _write_line(file, {"format": FORMAT, "schema": schema, "columns": columns})
        counts: dict[str, int] = {}
        try:
            async with self._database.read_engine.connect() as connection:
                for statement in BEGIN_CONSISTENT[self._dialect.name]:
                    await connection.exec_driver_sql(statement)
                for table in METADATA.sorted_tables:
                    counts[table.name] = await _write_table(connection, table, file)
                await connection.exec_driver_sql("ROLLBACK")
        except self._database.driver_errors as error:
            raise public_error(error) from error
        return counts


async def _write_table(connection: AsyncConnection, table: Table, file: Any) -> int:
    count = 0
    result = await connection.stream(select(table).order_by(*table.primary_key))
    async for rows in result.partitions(ROWS_PER_BATCH):
        for row in rows:
            _write_line(file, {"t": table.name, "r": [_encode(value) for value in row]})
        count += len(rows)
    return count


async def _replace_rows(
    connection: AsyncConnection, columns: dict[str, list[str]], file: Any
) -> dict[str, int]:
    for table in reversed(METADATA.sorted_tables):
        await connection.execute(table.delete())
    counts = dict.fromkeys(METADATA.tables, 0)
    for name, rows in _batches(file):
        if name not in counts or name not in columns:
            raise Invalid(f"there is no table {name}")
        table, names = METADATA.tables[name], columns[name]
        kinds = [table.columns[column].type for column in names]
        values = [
            {
                column: _decode(value, kind)
                for column, value, kind in zip(names, row, kinds, strict=True)
            }
            for row in rows
        ]
        await connection.execute(table.insert(), values)
        counts[name] += len(rows)
    return counts


def _lines(file: Any) -> Iterator[str]:
    try:
        yield from file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _CutOffError from error


def _batches(file: Any) -> Iterator[tuple[str, list[list[Any]]]]:
    """Yield consecutive rows of one table in batches.

    Raises ``_CutOffError`` if the file cannot be read to its last line.
    """
    name, rows = "", list[list[Any]]()
    counts: dict[str, int] = {}
    end: dict[str, int] | None = None
    for text in _lines(file):
        line = json.loads(text)
        if "end" in line:
            end = {table: count for table, count in line["end"].items() if count}
            continue
        counts[line["t"]] = counts.get(line["t"], 0) + 1
        if rows and (line["t"] != name or len(rows) == ROWS_PER_BATCH):
            yield name, rows
            rows = []
        name = line["t"]
        rows.append(line["r"])
    if counts != end:
        raise _CutOffError
    if rows:
        yield name, rows


def _head(text: str) -> dict[str, Any]:
    try:
        head: dict[str, Any] = json.loads(text)
    except ValueError:
        head = {}
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise Invalid(f"the file is not a {FORMAT} file")
    return head


def _write_line(file: Any, content: dict[str, Any]) -> None:
    file.write(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")


def _encode(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _decode(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, DecimalType):
        return Decimal(value)
    if isinstance(kind, TimestampType):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(kind, Date) else value
