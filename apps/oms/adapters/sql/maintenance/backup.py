"""Backup of all tables to one file and restore, portable between databases.

A backup is one snapshot; a restore replaces all rows in one transaction. Sealed credentials stay
sealed: the master key is not included. ``backup_file`` describes the format.
"""

import gzip
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, Table, select
from sqlalchemy.util import greenlet_spawn

from oms.adapters.private_files import replaced_file
from oms.adapters.sql.connection.database import BEGIN_CONSISTENT, Database
from oms.adapters.sql.connection.errors import DuplicateKey, public_error, translate_error
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.maintenance.backup_file import (
    ROWS_PER_BATCH,
    BackupReader,
    open_backup,
    write_end,
    write_head,
    write_row,
)
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.tables import METADATA
from oms.domain.errors import Conflict, Invalid
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps


class SqlBackup(AuditedWriter):
    """Writes and restores backup files."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        super().__init__(database, ids)

    async def write(self, path: Path, schema: str | None) -> dict[str, int]:
        """Write a backup; returns row counts by table. Raises ``Unavailable``, ``OSError``."""
        with replaced_file(path) as raw, gzip.open(raw, "wt", encoding="utf-8") as file:
            write_head(file, schema)
            try:
                rows = await greenlet_spawn(self._write_rows, file)
            except self._database.driver_errors as error:
                raise public_error(error) from error
            write_end(file, rows)
        return rows

    async def restore(
        self, path: Path, schema: str | None, audit_context: AuditContext
    ) -> dict[str, int]:
        """Replace all rows by those of the file; returns row counts by table.

        Raises ``Conflict`` for a file of another schema, ``Invalid`` for one that is no valid
        backup, ``Unavailable``, and ``OSError`` if it cannot be read.
        """
        with open_backup(path) as file:
            if file.schema != schema:
                message = f"the file is of schema {file.schema}, the database of {schema}"
                raise Conflict(message)
            try:
                # The file is read inside the transaction: an invalid one changes nothing.
                rows = await greenlet_spawn(self._replace_rows, file)
            except self._database.driver_errors as error:
                if isinstance(translate_error(error), DuplicateKey):
                    raise Invalid("the file contains a row twice") from error
                raise public_error(error) from error

        async def work(session: Session) -> AuditedResult[None]:
            after = dumps({"rows": sum(rows.values())})
            return None, [audit_context.entry("restore", "database", path.name[:64], after=after)]

        await self._write_audited(work, audit_context.at)
        return rows

    def _write_rows(self, file: TextIO) -> dict[str, int]:
        counts: dict[str, int] = {}
        with self._database.read_engine.connect() as connection:
            for statement in BEGIN_CONSISTENT[self._dialect.name]:
                connection.exec_driver_sql(statement)
            for table in METADATA.sorted_tables:
                counts[table.name] = _write_table(connection, table, file)
            connection.exec_driver_sql("ROLLBACK")
        return counts

    def _replace_rows(self, file: BackupReader) -> dict[str, int]:
        with self._database.write_engine.begin() as connection:
            for table in reversed(METADATA.sorted_tables):
                connection.execute(table.delete())
            counts = dict.fromkeys(METADATA.tables, 0)
            for table, rows in file.batches():
                connection.execute(table.insert(), rows)
                counts[table.name] += len(rows)
        return counts


def _write_table(connection: Connection, table: Table, file: TextIO) -> int:
    count = 0
    statement = select(table).order_by(*table.primary_key)
    result = connection.execute(statement, execution_options={"stream_results": True})
    for rows in result.partitions(ROWS_PER_BATCH):
        for row in rows:
            write_row(file, table, row)
        count += len(rows)
    return count
