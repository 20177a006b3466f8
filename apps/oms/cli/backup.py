"""``oms backup`` and ``oms restore``: all tables in one file, without the master key."""

import argparse
from pathlib import Path
from typing import Any

from oms import bootstrap
from oms.adapters.sql.store import SqlStore
from oms.cli.audit_context import cli_audit_context
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings, require_confirmation
from oms.domain.errors import Conflict

WORKER_SECONDS_MAX = 15.0


def backup(parsed: argparse.Namespace) -> Any:
    """Write a consistent snapshot of the database; the gateway may be running."""
    settings = command_settings(parsed)

    async def work() -> dict[str, int]:
        async with bootstrap.open_store(settings) as store:
            schema = await bootstrap.require_schema(store)
            return await store.backup.write(Path(parsed.out), schema)

    try:
        return {"ok": True, "file": parsed.out, "rows": run_async(work())}
    except OSError as error:
        raise CommandFailed(f"{parsed.out}: {error.strerror}", status=2) from None


def restore(parsed: argparse.Namespace) -> Any:
    """Replace all tables by those of the file; the gateway must be stopped."""
    require_confirmation(parsed, "replace everything in the database")
    settings = command_settings(parsed)

    async def work() -> dict[str, int]:
        await bootstrap.migrate(settings)
        async with bootstrap.open_store(settings) as store:
            await _refuse_live_worker(store)
            schema = await store.schema_version()
            return await store.backup.restore(Path(parsed.file), schema, cli_audit_context())

    try:
        return {"ok": True, "file": parsed.file, "rows": run_async(work())}
    except OSError as error:
        raise CommandFailed(f"{parsed.file}: {error.strerror}", status=2) from None


async def _refuse_live_worker(store: SqlStore) -> None:
    if await store.leases.workers(WORKER_SECONDS_MAX) or await store.leases.counts():
        raise Conflict("a worker uses this database: stop the gateway first")
