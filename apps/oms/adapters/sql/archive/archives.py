"""Archives: writes and checks a file, then deletes its rows; verifies files and puts rows back.

Each step may be interrupted. A file without its row in ``archives`` was not finished: the next run
selects the same rows again. With that row, the next run deletes the rest, group by group.
"""

import asyncio
from asyncio import sleep as wait_seconds
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.util import greenlet_spawn

from oms.adapters.sql.archive.archive_check import check_archive
from oms.adapters.sql.archive.archive_file import (
    ArchiveHead,
    FileContent,
    Group,
    hash_file,
    last_events,
    open_archive,
    write_archive,
)
from oms.adapters.sql.archive.group_moves import (
    Moved,
    delete_group,
    events_backwards,
    joined_accounts,
    put_back,
)
from oms.adapters.sql.archive.selection import Selection
from oms.adapters.sql.connection.database import BEGIN_CONSISTENT, Database
from oms.adapters.sql.connection.errors import DuplicateKey, public_error, translate_error
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.tables import METADATA
from oms.domain.errors import Conflict, Invalid, NotFound
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps, loads

ROWS_PER_FILE = 200_000
FIRST_ARCHIVE_WAIT_SECONDS = 15.0
"""Longer than processes believe that nothing is archived (``archived_names.RECHECK_SECONDS``)."""

_ARCHIVES = METADATA.tables["archives"]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A stored archive; ``status`` is deleting, archived or restored."""

    id: int
    file: str
    sha256: str
    status: str
    before: datetime
    rows: Mapping[str, int]
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedRows:
    """What became of an archive: rows moved, and rows that were left as they are."""

    archive: Archive
    moved: int
    kept: int


class SqlArchives(AuditedWriter):
    """Makes, lists, verifies and restores archives; the gateway may be running."""

    def __init__(
        self,
        database: Database,
        ids: SqlIdBlocks,
        *,
        rows_per_file: int = ROWS_PER_FILE,
        first_wait_seconds: float = FIRST_ARCHIVE_WAIT_SECONDS,
    ) -> None:
        super().__init__(database, ids)
        self.rows_per_file = rows_per_file
        self.first_wait_seconds = first_wait_seconds

    async def list(self) -> Sequence[Archive]:
        """Return all archives, ascending by id. Raises ``Unavailable``."""

        def read(connection: Connection) -> Sequence[Archive]:
            query = select(_ARCHIVES).order_by(_ARCHIVES.c.id)
            return [_archive(row) for row in connection.execute(query).mappings()]

        return await self._read(read)

    async def run(
        self,
        folder: Path,
        before: datetime,
        head: Mapping[str, str | None],
        audit_context: AuditContext,
    ) -> Sequence[MovedRows]:
        """Archive everything that is older than ``before``; returns the archives that were made.

        What an interrupted run left is completed first. ``head`` has the tag of the installation
        and the schema version. Raises ``Unavailable``, ``OSError``, and ``Invalid`` for a file
        that is not as it was written: nothing of it is deleted then.
        """
        known = await self.list()
        interrupted = [archive for archive in known if archive.status == "deleting"]
        # An interrupted first run may have ended before its wait.
        has_waited = len(interrupted) < len(known)
        done: list[MovedRows] = []
        while True:
            archive = interrupted.pop(0) if interrupted else None
            is_new = archive is None
            if archive is None:
                archive = await self._write(folder, before, head, audit_context)
            if archive is None:
                return done
            if not has_waited:
                await wait_seconds(self.first_wait_seconds)
                has_waited = True
            done.append(await self._delete(folder, archive, audit_context))
            if is_new and not done[-1].moved:
                return done

    async def verify(self, folder: Path) -> Sequence[Mapping[str, Any]]:
        """Return the findings about files and what stays of them. Raises ``Unavailable``."""
        findings: list[Mapping[str, Any]] = []
        for archive in await self.list():
            if archive.status == "restored":
                continue

            def check(
                connection: Connection, archive: Archive = archive
            ) -> Sequence[Mapping[str, Any]]:
                path = folder / archive.file
                return check_archive(connection, path, archive.id, archive.sha256)

            findings += await self._read(check)
        return findings

    async def restore(
        self, archive_id: int, folder: Path, audit_context: AuditContext
    ) -> MovedRows:
        """Put the rows of an archive back; what is there already is left as it is.

        Events are put back only if those after them are there: a stream has no gaps. Raises
        ``NotFound``, ``Conflict`` if a name of a row was used again, ``Invalid``, ``OSError``,
        ``Unavailable``.
        """
        found = [archive for archive in await self.list() if archive.id == archive_id]
        if not found:
            raise NotFound(f"archive {archive_id} does not exist", code="not_found")
        (archive,) = found
        if archive.status == "deleting":
            raise Conflict(f"archive {archive_id} is not complete: run oms archive run first")
        lasts = await asyncio.to_thread(last_events, folder / archive.file)
        joined = await self._read(lambda connection: joined_accounts(connection, lasts))
        move = partial(put_back, joined=joined)
        try:
            return await self._move_all(
                folder, archive, move, "restored", audit_context, order=events_backwards
            )
        except self._database.driver_errors as error:
            if isinstance(translate_error(error), DuplicateKey):
                message = f"a row of archive {archive_id} has a name that was used again"
                raise Conflict(message) from error
            raise public_error(error) from error

    async def _write(
        self,
        folder: Path,
        before: datetime,
        head: Mapping[str, str | None],
        audit_context: AuditContext,
    ) -> Archive | None:
        """Write the next file and its row; ``None`` if there is nothing to archive."""
        archive_id = await self._ids.allocate("archive")
        path = folder / f"oms-archive-{head['installation']}-{archive_id:06}.gz"
        line = ArchiveHead(archive_id, str(head["installation"]), head["schema"], before)
        try:
            content = await greenlet_spawn(self._write_file, path, line)
        except self._database.driver_errors as error:
            raise public_error(error) from error
        if content is None:
            return None
        archive = Archive(
            id=archive_id,
            file=path.name,
            sha256=content.sha256,
            status="deleting",
            before=before,
            rows=content.rows,
            created_at=audit_context.at,
            finished_at=None,
        )
        await self._store(archive, audit_context)
        return archive

    def _write_file(self, path: Path, head: ArchiveHead) -> FileContent | None:
        with self._database.read_engine.connect() as connection:
            for statement in BEGIN_CONSISTENT[self._dialect.name]:
                connection.exec_driver_sql(statement)
            try:
                selection = Selection(connection, head.before, self.rows_per_file)
                return write_archive(path, head, selection.groups())
            finally:
                connection.exec_driver_sql("ROLLBACK")

    async def _store(self, archive: Archive, audit_context: AuditContext) -> None:
        dialect = self._dialect
        values = (
            *(archive.id, archive.file, archive.sha256, archive.status),
            dialect.encode_time(archive.before),
            dumps(dict(archive.rows)),
            dialect.encode_time(archive.created_at),
        )

        async def work(session: Session) -> AuditedResult[None]:
            await session.execute(
                "INSERT INTO archives (id, file, sha256, status, before_at, rows_json, created_at)"
                f" VALUES ({dialect.params(len(values))})",
                values,
            )
            after = dumps(
                {"file": archive.file, "sha256": archive.sha256, "rows": dict(archive.rows)}
            )
            return None, [audit_context.entry("archive", "archive", archive.id, after=after)]

        await self._write_audited(work, audit_context.at)

    async def _delete(
        self, folder: Path, archive: Archive, audit_context: AuditContext
    ) -> MovedRows:
        try:
            return await self._move_all(folder, archive, delete_group, "archived", audit_context)
        except self._database.driver_errors as error:
            raise public_error(error) from error

    async def _move_all(
        self,
        folder: Path,
        archive: Archive,
        move: Callable[[Connection, int, Any], Moved],
        status: str,
        audit_context: AuditContext,
        *,
        order: Callable[[Iterator[Group]], Iterator[Group]] = iter,
    ) -> MovedRows:
        """Move the groups of a file one by one, then set the status of the archive."""
        path, counts = folder / archive.file, dict.fromkeys(Moved, 0)
        if await asyncio.to_thread(hash_file, path) != archive.sha256:
            raise Invalid(f"{path}: the file is not the one that was written for this archive")
        with open_archive(path) as file:
            for group in order(file.groups()):

                def one(connection: Connection, group: Any = group) -> Moved:
                    return move(connection, archive.id, group)

                counts[await greenlet_spawn(self._in_transaction, one)] += len(group)

        async def work(session: Session) -> AuditedResult[None]:
            param = session.dialect.param
            await session.execute(
                f"UPDATE archives SET status = {param}, finished_at = {param} WHERE id = {param}",
                (status, session.dialect.encode_time(audit_context.at), archive.id),
            )
            after = dumps({"status": status, "rows": counts[Moved.MOVED]})
            return None, [
                audit_context.entry(f"archive_{status}", "archive", archive.id, after=after)
            ]

        await self._write_audited(work, audit_context.at)
        return MovedRows(archive=archive, moved=counts[Moved.MOVED], kept=counts[Moved.KEPT])

    async def _read(self, work: Callable[[Connection], Result]) -> Result:
        def read() -> Result:
            with self._database.read_engine.connect() as connection:
                return work(connection)

        try:
            return await greenlet_spawn(read)
        except self._database.driver_errors as error:
            raise public_error(error) from error

    def _in_transaction(self, work: Callable[[Connection], Result]) -> Result:
        with self._database.write_engine.begin() as connection:
            return work(connection)


def _archive(row: Any) -> Archive:
    return Archive(
        id=row["id"],
        file=row["file"],
        sha256=row["sha256"],
        status=row["status"],
        before=row["before_at"],
        rows=loads(row["rows_json"]),
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
