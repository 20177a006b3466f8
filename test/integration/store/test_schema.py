"""The schema: created by migrations, described by metadata, equal on every database."""

import asyncio
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import execute, fetch_rows
from kit.databases.store_rows import a_deal, a_lease, an_account, an_order
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SystemClock
from oms.adapters.sql.connection.database import open_database
from oms.adapters.sql.maintenance import migration_runner
from oms.adapters.sql.maintenance.migration_runner import status, upgrade
from oms.adapters.sql.store import SqlStore
from oms.adapters.sql.tables import METADATA
from oms.domain.errors import Conflict
from oms.domain.money import multiply
from oms.domain.unique_name import unique_name_key
from oms.ports.ledger_store import AccountBatch
from oms.services.access.chain_commands import ChainCommands

BASELINE = "0014"
LAST = 61
#: Numbers that no revision has.
MISSING = (41, 50, 51, 52, 53, 57, 58, 59)
VERSIONS = (BASELINE, *(f"{number:04}" for number in range(15, LAST + 1) if number not in MISSING))
MIGRATIONS = Path(migration_runner.__file__).parents[1] / "migrations"
#: The schema that revisions 0001 to 0014 created before the baseline replaced them.
FROZEN = Path(__file__).parent
INITIAL_ROWS = {
    "SELECT account_id, owner, token FROM account_leases": (0, "", 0),
    "SELECT account_id, head_seq, lease_token FROM account_streams": (0, 0, 0),
    "SELECT id, length, hash FROM audit_chain": (1, 0, "0" * 64),
}
#: The commands of a database at the baseline.
COMMAND = """
INSERT INTO oms_commands (id, account_id, command_type, fingerprint, payload_json, status,
                          created_at, updated_at)
VALUES (7, 1, 'send_order', '', '{}', 'queued', '2026-01-01T00:00:00.000000Z',
        '2026-01-01T00:00:00.000000Z')
"""
ID_KINDS = {
    *("account", "audit", "command", "deal", "discrepancy", "event", "key", "kill", "login"),
    *("order", "position", "raw", "reconcile_run", "strategy", "token", "user"),
}
NEXT_REVISION = """
'''A later change.'''

from alembic import op
from sqlalchemy import Column, Integer

revision = "9990"
down_revision = "{last}"


def upgrade() -> None:
    op.add_column("workers", Column("process_id", Integer()))
"""


async def test_empty_database_is_upgraded_once(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'new.sqlite3'}"
    before = await status(url)
    first = await upgrade(url)
    second = await upgrade(url)
    after = await status(url)

    assert (before.version, before.pending) == (None, VERSIONS)
    assert (first.from_version, first.to_version, first.applied) == (None, VERSIONS[-1], VERSIONS)
    assert (second.from_version, second.to_version, second.applied) == (
        VERSIONS[-1],
        VERSIONS[-1],
        (),
    )
    assert (after.version, after.pending) == (VERSIONS[-1], ())


def test_names_of_migration_files_have_their_revision_numbers() -> None:
    folders = [str(folder) for folder in migration_runner.VERSION_FOLDERS]
    scripts = list(ScriptDirectory(str(MIGRATIONS), version_locations=folders).walk_revisions())

    assert tuple(script.revision for script in reversed(scripts)) == VERSIONS
    assert all(Path(each.path).name.startswith(f"v{each.revision}_") for each in scripts)


def test_status_of_a_database_needs_neither_alembic_nor_the_orm(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    asyncio.run(upgrade(url))
    program = f"""
import asyncio, sys
from oms.adapters.sql.maintenance.migration_runner import upgrade, status
print(asyncio.run(upgrade({url!r})).to_version, asyncio.run(status({url!r})).version)
print([name for name in sys.modules if name.startswith(("alembic", "sqlalchemy.orm"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"{VERSIONS[-1]} {VERSIONS[-1]}", "[]"]


async def test_metadata_from_scratch_equals_all_migrations_on_sqlite(tmp_path: Path) -> None:
    migrated = f"sqlite+aiosqlite:///{tmp_path / 'migrated.sqlite3'}"
    described = f"sqlite+aiosqlite:///{tmp_path / 'described.sqlite3'}"
    await upgrade(migrated)
    await _create_all(described)

    assert _sqlite_schema(migrated) == _sqlite_schema(described)


async def test_metadata_from_scratch_equals_all_migrations_on_mariadb(
    mariadb: PrivateMariaDB,
) -> None:
    for name in ("schema_migrated", "schema_described"):
        mariadb.drop_database(name)
        mariadb.create_database(name)
    migrated, described = (mariadb.dsn(f"schema_{how}") for how in ("migrated", "described"))
    await upgrade(migrated)
    await _create_all(described)

    assert _mariadb_schema(migrated) == _mariadb_schema(described)


async def test_schema_of_tests_equals_all_migrations_on_mariadb(mariadb: PrivateMariaDB) -> None:
    urls = []
    for name in ("schema_upgraded", "schema_first", "schema_copied"):
        mariadb.drop_database(name)
        mariadb.create_database(name)
        urls.append(mariadb.dsn(name))
    await upgrade(urls[0])
    for url in urls[1:]:
        await create_schema(url)

    assert _mariadb_schema(urls[2]) == _mariadb_schema(urls[0])
    copied, migrated = _rows(urls[2]), _rows(urls[0])
    assert len(copied.pop("installation")) == len(migrated.pop("installation")) == 1  # random
    assert copied == migrated


async def test_baseline_equals_the_replaced_migrations_on_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_at_baseline(tmp_path, monkeypatch)
    migrated = f"sqlite+aiosqlite:///{tmp_path / 'migrated.sqlite3'}"
    frozen = f"sqlite+aiosqlite:///{tmp_path / 'frozen.sqlite3'}"
    await upgrade(migrated)
    execute(frozen, *_frozen_statements("sqlite"))

    assert _sqlite_schema(migrated) == _sqlite_schema(frozen)
    _check_initial_rows(migrated)


async def test_baseline_equals_the_replaced_migrations_on_mariadb(
    mariadb: PrivateMariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_at_baseline(tmp_path, monkeypatch)
    for name in ("schema_baseline", "schema_frozen"):
        mariadb.drop_database(name)
        mariadb.create_database(name)
    migrated, frozen = (mariadb.dsn(f"schema_{name}") for name in ("baseline", "frozen"))
    await upgrade(migrated)
    execute(frozen, "SET foreign_key_checks = 0", *_frozen_statements("mariadb"))

    assert _mariadb_schema(migrated) == _mariadb_schema(frozen)
    _check_initial_rows(migrated)


async def test_next_revision_is_applied_to_an_upgraded_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    await upgrade(url)
    (tmp_path / "v9990_next.py").write_text(NEXT_REVISION.format(last=VERSIONS[-1]))
    _use_versions(monkeypatch, *migration_runner.VERSION_FOLDERS, tmp_path)

    before = await status(url)
    done = await upgrade(url)

    assert (before.version, before.pending) == (VERSIONS[-1], ("9990",))
    assert (done.from_version, done.to_version, done.applied) == (VERSIONS[-1], "9990", ("9990",))
    assert fetch_rows(url, "SELECT process_id FROM workers") == []


async def test_commands_of_a_database_at_the_baseline_are_chained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    with monkeypatch.context() as patch:
        _stop_at_baseline(tmp_path, patch)
        assert (await upgrade(url)).to_version == BASELINE
    execute(url, COMMAND, COMMAND.replace("(7,", "(6,").replace("'queued'", "'done'"))

    assert (await upgrade(url)).applied == VERSIONS[1:]
    queued = fetch_rows(url, "SELECT DISTINCT queued_at FROM oms_commands")
    assert queued == [("2026-01-01T00:00:00.000000Z",)], "as times are stored: verify says so"

    store = await SqlStore.open(url, check_account)
    linked = await ChainCommands(chain=store.command_chain, clock=SystemClock())()
    await store.close()
    assert linked == 2
    links = fetch_rows(url, "SELECT command_id, status FROM command_chain ORDER BY command_id")
    assert [command_id for command_id, _ in links] == [6, 7]
    assert links[1] == (7, "accepted")


@pytest.mark.parametrize(("version", "reason"), [("0009", "older"), ("9999", "does not know")])
async def test_version_without_a_migration_path_is_refused(
    tmp_path: Path, version: str, reason: str
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    await upgrade(url)
    execute(url, f"UPDATE alembic_version SET version_num = '{version}'")

    for call in (status, upgrade):
        with pytest.raises(Conflict, match=f"{version}.*{reason}"):
            await call(url)

    assert fetch_rows(url, "SELECT version_num FROM alembic_version") == [(version,)]


async def test_store_reports_its_schema_version(store: SqlStore) -> None:
    assert await store.schema_version() == VERSIONS[-1]


async def test_housekeeping_lease_exists_initially(store: SqlStore) -> None:
    assert list(await store.leases.free(10)) == [0]
    assert await store.history.heads([0]) == {0: 0}


@pytest.mark.parametrize(
    "url", ["postgresql+asyncpg://x/y", "mysql+pymysql://x/y", "sqlite:///x", "nonsense://"]
)
async def test_unsupported_database_is_refused(url: str) -> None:
    with pytest.raises(Exception, match=r"database_url|load plugin|parse"):
        await SqlStore.open(url, check_account)


async def test_decimals_keep_all_digits(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    large = Decimal("999999999999999999.999999999999999999")
    small = Decimal("0.000000000000000001")
    order = an_order(
        1, account_id, qty=large, price=small, filled_qty=small, fill_value=multiply(large, small)
    )
    deal = a_deal(1, account_id, qty=small, price=large, fee=-small, profit=large.copy_negate())
    batch = AccountBatch(
        lease=lease, head_before=0, head_after=0, orders_new=(order,), deals=(deal,)
    )

    assert not await store.ledger.commit([batch])

    assert await store.ledger.order(account_id, 1) == order
    assert (await store.history.deals_by_id([1]))[0] == deal


async def test_existing_names_keep_their_rows_on_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_at_baseline(tmp_path, monkeypatch)
    await _check_existing_names(f"sqlite+aiosqlite:///{tmp_path / 'old.sqlite3'}", monkeypatch)


async def test_existing_names_keep_their_rows_on_mariadb(
    mariadb: PrivateMariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop_at_baseline(tmp_path, monkeypatch)
    mariadb.drop_database("schema_names")
    mariadb.create_database("schema_names")
    await _check_existing_names(mariadb.dsn("schema_names"), monkeypatch)


async def _check_existing_names(url: str, stopped: pytest.MonkeyPatch) -> None:
    """Upgrade a database whose names differ by case only, and whose key is disabled."""
    await upgrade(url)
    at = "'2026-01-01 00:00:00.000000'"
    execute(
        url,
        *(
            f"INSERT INTO {table} (id, name, created_at) VALUES ({row_id}, '{name}', {at})"
            for table in ("users", "strategies")
            for row_id, name in ((3, "bob"), (2, "Bob"), (5, "Ann"))
        ),
        "INSERT INTO user_api_keys (id, user_id, api_key_hash, status, created_at)"
        f" VALUES (1, 2, 'h', 'disabled', {at})",
    )
    stopped.undo()
    assert (await upgrade(url)).applied == VERSIONS[1:]

    for table in ("users", "strategies"):
        rows = fetch_rows(url, f"SELECT id, name, name_key FROM {table} ORDER BY id")
        bob, ann = unique_name_key("BOB"), unique_name_key("ann")
        assert [tuple(row) for row in rows] == [(2, "Bob", bob), (3, "bob", None), (5, "Ann", ann)]
    text = "SELECT status, disabled_by, disabled_by_user_id FROM user_api_keys"
    assert [tuple(row) for row in fetch_rows(url, text)] == [("disabled", None, None)]


def _stop_at_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide all migrations after the baseline."""
    folder = tmp_path / "baseline"
    folder.mkdir()
    (baseline,) = (MIGRATIONS / "versions").glob(f"v{BASELINE}_*.py")
    (folder / baseline.name).write_text(baseline.read_text(encoding="utf-8"), encoding="utf-8")
    _use_versions(monkeypatch, folder)


def _use_versions(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    monkeypatch.setattr(migration_runner, "VERSION_FOLDERS", folders)


def _frozen_statements(kind: str) -> list[str]:
    """Return the statements of the frozen schema of one kind of database."""
    text = (FROZEN / f"schema_0014.{kind}.sql").read_text(encoding="utf-8")
    return [statement for statement in text.split(";\n") if statement.strip()]


def _check_initial_rows(url: str) -> None:
    for query, row in INITIAL_ROWS.items():
        assert fetch_rows(url, query) == [row]
    kinds = fetch_rows(url, "SELECT name, next_id, block FROM id_blocks")
    assert sorted(kinds) == [(kind, 1, 100) for kind in sorted(ID_KINDS)]
    ((tag,),) = fetch_rows(url, "SELECT tag FROM installation")
    assert re.fullmatch("[0-9a-f]{8}", tag)


async def _create_all(url: str) -> None:
    database = open_database(url)
    async with AsyncEngine(database.write_engine).begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await database.close()


def _sqlite_schema(url: str) -> dict[str, object]:
    """Return columns, keys and indexes of each table as reported by SQLite."""
    names = [
        row[0] for row in fetch_rows(url, "SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    schema: dict[str, object] = {}
    for name in names:
        indexes = [row[1:4] for row in fetch_rows(url, f"PRAGMA index_list({name})")]
        schema[name] = (
            fetch_rows(url, f"PRAGMA table_info({name})"),
            sorted(row[2:5] for row in fetch_rows(url, f"PRAGMA foreign_key_list({name})")),
            sorted(
                # An index that SQLite made for a key has a number for a name.
                (
                    "" if origin != "c" else index,
                    unique,
                    fetch_rows(url, f"PRAGMA index_info({index})"),
                )
                for index, unique, origin in indexes
            ),
        )
    schema.pop("alembic_version", None)
    return schema


def _rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of each table on MariaDB."""
    names = [name for (name,) in fetch_rows(url, "SHOW TABLES")]
    return {name: sorted(fetch_rows(url, f"SELECT * FROM {name}")) for name in names}


def _mariadb_schema(url: str) -> dict[str, list[str]]:
    """Return the sorted lines of each table's SHOW CREATE TABLE; keys may be in any order."""
    names = [row[0] for row in fetch_rows(url, "SHOW TABLES") if row[0] != "alembic_version"]
    texts = {name: fetch_rows(url, f"SHOW CREATE TABLE {name}")[0][1] for name in names}
    return {
        name: sorted(line.strip().rstrip(",") for line in text.splitlines())
        for name, text in texts.items()
    }
