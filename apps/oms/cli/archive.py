"""``oms archive``: old closed rows in checked files, outside the database."""

import argparse
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from oms import bootstrap
from oms.adapters.private_files import create_private_folder
from oms.adapters.sql.archive.archives import Archive, MovedRows
from oms.adapters.sql.store import SqlStore
from oms.cli.audit_context import cli_audit_context
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings, require_confirmation
from oms.ports.ledger_store import ARCHIVED_AGE_MIN
from oms.wire.json import time_text


def run(parsed: argparse.Namespace) -> Any:
    """Move what is older into files; returns ``{ok, before, archives}``."""
    before = _before(parsed)
    folder = Path(parsed.folder)

    async def work(store: SqlStore) -> Any:
        create_private_folder(folder)
        head = {
            "installation": await store.installation_tag(),
            "schema": await store.schema_version(),
        }
        done = await store.archives.run(folder, before, head, cli_audit_context())
        return {
            "ok": True,
            "before": time_text(before),
            "archives": [_moved(each) for each in done],
        }

    return _on_store(parsed, work)


def show(parsed: argparse.Namespace) -> Any:
    """Return ``{items}``: all archives."""

    async def work(store: SqlStore) -> Any:
        return {"items": [_archive_row(archive) for archive in await store.archives.list()]}

    return _on_store(parsed, work)


def verify(parsed: argparse.Namespace) -> Any:
    """Return ``{ok, archives, findings}``."""

    async def work(store: SqlStore) -> Any:
        findings = await store.archives.verify(Path(parsed.folder))
        archives = await store.archives.list()
        return {"ok": not findings, "archives": len(archives), "findings": list(findings)}

    return _on_store(parsed, work)


def restore(parsed: argparse.Namespace) -> Any:
    """Put the rows of an archive back; returns ``{ok, archive}``."""
    require_confirmation(parsed, "put the rows of the archive back into the database")

    async def work(store: SqlStore) -> Any:
        done = await store.archives.restore(
            parsed.archive_id, Path(parsed.folder), cli_audit_context()
        )
        return {"ok": True, "archive": _moved(done)}

    return _on_store(parsed, work)


def _before(parsed: argparse.Namespace) -> datetime:
    """Return the time before which rows are archived. Raises ``CommandFailed``."""
    settings, now = command_settings(parsed), datetime.now(UTC)
    if parsed.before is not None:
        try:
            before = datetime.fromisoformat(parsed.before)
        except ValueError:
            raise CommandFailed(
                "--before must be a date or time, as 2025-01-01", status=2
            ) from None
        before = before.replace(tzinfo=before.tzinfo or UTC).astimezone(UTC)
    else:
        before = now - timedelta(days=parsed.older_than_days)
    age_min = max(ARCHIVED_AGE_MIN, timedelta(days=settings.events.retention_days))
    if before > now - age_min:
        raise CommandFailed(f"rows younger than {age_min.days} days are not archived", status=2)
    return before


def _on_store(parsed: argparse.Namespace, work: Callable[[SqlStore], Awaitable[Any]]) -> Any:
    settings = command_settings(parsed)

    async def on_store() -> Any:
        async with bootstrap.open_store(settings) as store:
            await bootstrap.require_schema(store)
            return await work(store)

    try:
        return run_async(on_store())
    except OSError as error:
        raise CommandFailed(f"{error.filename}: {error.strerror}", status=2) from None


def _moved(done: MovedRows) -> dict[str, Any]:
    archive = done.archive
    return {"id": archive.id, "file": archive.file, "moved": done.moved, "kept": done.kept}


def _archive_row(archive: Archive) -> dict[str, Any]:
    return {
        "id": archive.id,
        "file": archive.file,
        "status": archive.status,
        "before": time_text(archive.before),
        "created_at": time_text(archive.created_at),
        "rows": dict(archive.rows),
        "sha256": archive.sha256,
    }
