"""Backups: consistent, restorable into any database, refused if invalid."""

import gzip
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.databases.store_rows import NOON, a_deal, a_lease, an_account, an_order
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.maintenance.migration_runner import upgrade
from oms.adapters.sql.store import SqlStore
from oms.adapters.sql.tables import METADATA
from oms.domain.errors import Conflict, Invalid
from oms.ports.audit_log import AuditContext
from oms.ports.ledger_store import AccountBatch

HAND = AuditContext(actor="test", at=NOON)
TABLES = sorted(METADATA.tables)
WRONG_ROWS = (
    *(b"5", b"{}", b'{"t":5,"r":[]}', b'{"t":["users"],"r":[]}', b'{"t":"users"}'),
    *(b'{"t":"users","r":5}', b'{"t":"users","r":[1]}'),
    b'{"t":"users","r":[1,"n","admin","active","yesterday",null]}',
    b'{"t":"users","r":[1,"n","admin","active","2026-01-01T00:00:00",null]}',
    b'{"t":"users","r":[1,"n","admin","active",5,null]}',
    b'{"t":"users","r":[1,["n"],"admin","active","2026-01-01T00:00:00+00:00",null]}',
)


async def test_backup_restores_all_rows_into_any_database(
    store: SqlStore, place: Any, tmp_path: Path
) -> None:
    await _write_fill(store)
    path, again = tmp_path / "a.gz", tmp_path / "b.gz"
    written = await store.backup.write(path, await store.schema_version())

    url = f"sqlite+aiosqlite:///{tmp_path / 'other.sqlite3'}"
    await upgrade(url)
    other = await SqlStore.open(url, check_account)
    try:
        restored = await other.backup.restore(path, await other.schema_version(), HAND)
        entries = fetch_rows(url, "SELECT action FROM audit_log WHERE action = 'restore'")
        execute(url, "DELETE FROM audit_log WHERE action = 'restore'")
        await other.backup.write(again, await other.schema_version())
    finally:
        await other.close()

    assert written == restored
    assert written == {
        name: fetch_rows(place.url, f"SELECT COUNT(*) FROM {name}")[0][0] for name in TABLES
    }
    assert written["oms_orders"] == written["oms_deals"] == 1
    assert entries == [("restore",)]
    assert _rows_without_id_blocks(path) == _rows_without_id_blocks(again)


async def test_restore_replaces_existing_rows(store: SqlStore, tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    await an_account(store, "kept")
    await store.backup.write(path, await store.schema_version())
    await an_account(store, "made later")

    await store.backup.restore(path, await store.schema_version(), HAND)

    assert [row.account.label for row in await store.registry.accounts()] == ["kept"]


async def test_invalid_file_changes_nothing(store: SqlStore, tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    await an_account(store, "kept")
    schema = await store.schema_version()
    await store.backup.write(path, schema)
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    broken: list[tuple[bytes, type[Exception]]] = [
        (b'{"format": "another"}\n', Invalid),
        (b"[]\n", Invalid),
        (b"".join(lines) + b'{"t": "nonsense", "r": []}\n', Invalid),
        (b"".join(lines) + b"{", Invalid),
        (b"".join(lines) + b"\xff\n", Invalid),
        (lines[0].replace(b'"schema":"', b'"schema":"9'), Conflict),
        (lines[0].replace(b'"columns":{', b'"columns":{"users":5,'), Invalid),
        (lines[0].replace(b'"users":["id"', b'"users":["nonsense"'), Invalid),
        (b"".join(lines[:-1]), Invalid),
        (b"", Invalid),
        *((lines[0] + row + b"\n" + b"".join(lines[1:]), Invalid) for row in WRONG_ROWS),
    ]
    whole = [(gzip.compress(text), wrong) for text, wrong in broken]
    packed = gzip.compress(b"".join(lines))
    damaged = packed[:-40] + b"\xa5" * 40
    for content, wrong in [
        *whole,
        (packed[:9], Invalid),
        (packed[:-9], Invalid),
        (damaged, Invalid),
    ]:
        path.write_bytes(content)
        with pytest.raises(wrong) as raised:
            await store.backup.restore(path, schema, HAND)
        assert wrong is Conflict or f"{path}: not a valid backup: " in str(raised.value)
    assert [row.account.label for row in await store.registry.accounts()] == ["kept"]


async def test_backup_file_is_readable_by_its_owner_only(store: SqlStore, tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    await store.backup.write(path, "x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["a.gz"]


async def _write_fill(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    batch = AccountBatch(
        lease=lease,
        head_before=0,
        head_after=0,
        orders_new=(an_order(1, account_id),),
        deals=(a_deal(1, account_id),),
    )
    assert not await store.ledger.commit([batch])


def _rows_without_id_blocks(path: Path) -> list[Any]:
    """Return the rows of a backup except id blocks, which the restoring store advances."""
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    return [row for row in lines if row.get("t") != "id_blocks"]
