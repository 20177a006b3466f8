"""The archiving process is killed at each of its steps: no row is lost, none is there twice.

Real processes that end by SIGKILL (``kit.faults.killed_archive``); each next one begins with what
the killed one left. After each, ``oms verify`` finds nothing, every row is in the database or in a
complete file, and none is archived and in the database.
"""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import dsn_of, execute, fetch_rows, stored_time
from kit.faults.killed_archive import RESTORE_STEPS, ROWS_PER_FILE, STEPS
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SystemClock
from oms.adapters.sql.archive.archive_file import open_archive
from oms.adapters.sql.archive.archived_index import KINDS
from oms.adapters.sql.store import SqlStore
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.ports.audit_log import AuditContext
from oms.services.access.chain_audit import ChainAudit
from oms.services.access.chain_commands import ChainCommands

TABLES = ("oms_commands", "oms_orders", "oms_order_attempts", "oms_deals", "oms_positions")
TESTS = Path(__file__).resolve().parents[2]
Ids = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(params=["sqlite", "mariadb"])
def dsn(request: pytest.FixtureRequest) -> str:
    """A traded ledger."""
    if request.param == "sqlite":
        return dsn_of(request.getfixturevalue("damaged").path)
    return str(request.getfixturevalue("damaged_server").dsn)


async def test_an_archive_is_completed_after_a_kill_at_any_step(dsn: str, tmp_path: Path) -> None:
    execute(dsn, f"UPDATE accounts SET created_at = '{stored_time(dsn)}'")
    store = await SqlStore.open(dsn, check_account)
    await ChainCommands(chain=store.command_chain, clock=SystemClock())()
    await ChainAudit(log=store.audit_log)()
    rows = _rows(dsn)
    for step in STEPS:
        _killed(dsn, tmp_path, step)
        await _check(store, dsn, tmp_path, rows)
    store.archives.first_wait_seconds = 0
    store.archives.rows_per_file = ROWS_PER_FILE
    now = datetime.now(UTC)
    head = {"installation": await store.installation_tag(), "schema": await store.schema_version()}
    context = AuditContext(actor="test", at=now)
    await store.archives.run(tmp_path, now + timedelta(hours=1), head, context)
    archived = await store.archives.list()
    assert {each.status for each in archived} == {"archived"} and len(archived) > 1
    assert await store.archives.verify(tmp_path) == []
    await _check(store, dsn, tmp_path, rows)
    for archive, step in zip(reversed(archived), (*RESTORE_STEPS, None), strict=False):
        if step is not None:
            _killed(dsn, tmp_path, step, archive.id)
        await _verify(store, step)
        await store.archives.restore(archive.id, tmp_path, context)
    for archive in await store.archives.list():
        if archive.status != "restored":
            await store.archives.restore(archive.id, tmp_path, context)
    assert _rows(dsn) == rows
    await _check(store, dsn, tmp_path, rows)
    await store.close()


def _killed(dsn: str, folder: Path, step: str, *archive_id: int) -> None:
    """Run a process that must end by SIGKILL."""
    done = subprocess.run(
        [sys.executable, "-m", "kit.faults.killed_archive", dsn, str(folder), step]
        + [str(number) for number in archive_id],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, (step, done.returncode, done.stderr[-2000:])


async def _check(store: SqlStore, dsn: str, folder: Path, rows: Ids) -> None:
    """Nothing is found by verification, nothing is lost, nothing is there twice."""
    await _verify(store)
    stored, filed = _rows(dsn), await _filed(store, folder)
    for table, whole in rows.items():
        ids = {row[0] for row in stored[table]}
        assert {row[0] for row in whole} == ids | filed[table], table
        if table in KINDS:
            query = f"SELECT row_id FROM archived_rows WHERE kind = '{KINDS[table]}'"
            archived = [row[0] for row in fetch_rows(dsn, query)]
            assert len(archived) == len(set(archived)) == len(whole) - len(ids), table
            assert ids.isdisjoint(archived), table


async def _verify(store: SqlStore, step: str | None = None) -> None:
    report = await build_verify_report(store, Settings())
    findings = [row["findings"][:3] for row in report["accounts"] if row["findings"]]
    assert report["ok"] is True, (step, findings, report)


async def _filed(store: SqlStore, folder: Path) -> dict[str, set[Any]]:
    """First columns of the keys of the rows in complete files, by table."""
    filed: dict[str, set[Any]] = {table: set() for table in TABLES}
    for archive in await store.archives.list():
        with open_archive(folder / archive.file) as file:
            for group in file.groups():
                for table, row in group:
                    if table.name in filed:
                        filed[table.name].add(row[next(iter(table.primary_key.columns)).name])
    return filed


def _rows(dsn: str) -> Ids:
    return {table: sorted(fetch_rows(dsn, f"SELECT * FROM {table}"), key=repr) for table in TABLES}
