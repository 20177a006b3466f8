"""Files of archived rows: written whole, then read back before anything is deleted.

The format is that of a backup file with other words in the first line, and with lines
``{"group": n}`` after the rows that are deleted and put back by one transaction. The digest in the
last line covers all rows as they are decoded, so it holds in every kind of database.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Table

from oms.adapters.private_files import replaced_file
from oms.adapters.sql.maintenance.backup_file import (
    CUT_OFF,
    BackupReader,
    encode_value,
    write_line,
)
from oms.adapters.sql.tables import METADATA

FORMAT = "oms-archive-1"
#: Tables whose rows are archived, in the order in which they are put back.
TABLES = (
    *("event_outbox", "oms_commands", "oms_positions", "oms_orders", "oms_order_attempts"),
    *("oms_deals", "ccxt_orders_raw", "ccxt_trades_raw"),
)
_HASHED_BYTES = 1 << 20

Row = Mapping[Any, Any]
"""Values by the names of their columns."""
Group = Sequence[tuple[Table, Row]]
"""Rows that one transaction deletes."""


class ArchiveHead(NamedTuple):
    """The first line of a file."""

    archive_id: int
    #: Tag of the installation.
    installation: str
    schema: str | None
    #: Everything in it is older.
    before: datetime


class FileContent(NamedTuple):
    """What a file contains: rows by table, and the hash of the file."""

    rows: Mapping[str, int]
    sha256: str


class ArchiveReader(BackupReader):
    """Reads one file. Every method raises ``Invalid`` for a file that is no valid archive."""

    FORMAT = FORMAT
    NAME = "archive"

    def groups(self) -> Iterator[Group]:
        """Yield the groups; the last only of a complete file whose rows have its digest."""
        digest, counts = _Digest(), dict[str, int]()
        end: Mapping[str, Any] = {}
        rows: list[tuple[Table, Row]] = []
        waiting: Group = ()
        for line in self._lines():
            if "group" in line:
                if waiting:
                    yield waiting
                waiting, rows = rows, []
            elif "end" in line:
                end = line
            else:
                table, row = self._row(line)
                if table.name not in TABLES:
                    raise self._invalid(f"rows of {table.name} are not archived")
                counts[table.name] = counts.get(table.name, 0) + 1
                digest.add(table, row)
                rows.append((table, row))
        if rows or end.get("end") != counts or end.get("digest") != digest.text:
            raise self._invalid(CUT_OFF)
        if waiting:
            yield waiting


class _Digest:
    """SHA-256 of rows."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, table: Table, row: Row) -> None:
        """Add the next row."""
        self._hash.update(row_text(table, row).encode())

    @property
    def text(self) -> str:
        """The hash of the rows so far."""
        return self._hash.hexdigest()


def row_text(table: Table, row: Row) -> str:
    """Return a row as text that is equal in every kind of database."""
    values = {name: encode_value(value) for name, value in sorted(row.items())}
    return json.dumps([table.name, values], ensure_ascii=False, separators=(",", ":"))


def open_archive(path: Path) -> "closing[ArchiveReader]":
    """Return the reader of a file as a context. Raises ``Invalid``, ``OSError``."""
    return closing(ArchiveReader(path))


def write_archive(path: Path, head: ArchiveHead, groups: Iterable[Group]) -> FileContent | None:
    """Write groups, read the file back, and return its content; ``None``, and no file, without any.

    Raises ``OSError``, and ``Invalid`` if what is read differs from what was written.
    """
    counts, digest = dict[str, int](), _Digest()
    try:
        with replaced_file(path) as raw, gzip.open(raw, "wt", encoding="utf-8") as file:
            write_line(file, _head_line(head))
            for number, group in enumerate(groups):
                for table, row in group:
                    values = [encode_value(row[name]) for name in table.columns.keys()]  # noqa: SIM118
                    write_line(file, {"t": table.name, "r": values})
                    counts[table.name] = counts.get(table.name, 0) + 1
                    digest.add(table, row)
                write_line(file, {"group": number})
            if not counts:
                raise _NothingToWrite
            write_line(file, {"end": counts, "digest": digest.text})
    except _NothingToWrite:
        return None
    return FileContent(count_rows(path), hash_file(path))


class _NothingToWrite(Exception):
    """There are no rows: the draft of the file is removed."""


def count_rows(path: Path) -> Mapping[str, int]:
    """Return the rows of a valid file by table. Raises ``Invalid``, ``OSError``."""
    counts: dict[str, int] = {}
    with open_archive(path) as file:
        for group in file.groups():
            for table, _ in group:
                counts[table.name] = counts.get(table.name, 0) + 1
    return counts


def last_events(path: Path) -> Mapping[int, int]:
    """Return the last event numbers in a valid file by account. Raises ``Invalid``, ``OSError``."""
    numbers: dict[int, int] = {}
    with open_archive(path) as file:
        for group in file.groups():
            for table, row in group:
                if table.name == "event_outbox":
                    account_id = row["account_id"]
                    numbers[account_id] = max(numbers.get(account_id, 0), row["seq_to"])
    return numbers


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file. Raises ``OSError``."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASHED_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _head_line(head: ArchiveHead) -> Mapping[str, Any]:
    return {
        "format": FORMAT,
        "schema": head.schema,
        "archive_id": head.archive_id,
        "installation": head.installation,
        "before": head.before.isoformat(),
        "columns": {name: list(METADATA.tables[name].columns.keys()) for name in TABLES},
    }
