"""Archives of a traded ledger: nothing is lost, figures stay, files are checked, rows come back."""

import gzip
import itertools
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import connect, dsn_of, execute, fetch_number, fetch_rows, stored_time
from kit.databases.store_rows import a_command
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SystemClock
from oms.adapters.sql.archive import archives as archives_module
from oms.adapters.sql.archive.group_moves import Moved, delete_group
from oms.adapters.sql.store import SqlStore
from oms.adapters.sql.tables import METADATA
from oms.cli.replay import build_replay_report
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.domain.errors import Invalid
from oms.ports.audit_log import AuditContext
from oms.ports.command_queue import Submission
from oms.ports.history_reads import HistoryQuery
from oms.services.access.chain_audit import ChainAudit
from oms.services.access.chain_commands import ChainCommands

#: Tables that an archive changes, or the audit of it.
ARCHIVE_TABLES = {
    *("archives", "archived_rows", "archived_positions", "archived_fees", "id_blocks"),
    *("audit_log", "audit_chain"),
}
ROWS_PER_FILE = 250


class Stop(Exception):
    """The process ends here."""


@asynccontextmanager
async def opened(dsn: str) -> Any:
    """A store; the accounts are older than the retention of events."""
    execute(dsn, f"UPDATE accounts SET created_at = '{stored_time(dsn)}'")
    store = await SqlStore.open(dsn, check_account)
    store.archives.first_wait_seconds = 0
    store.archives.rows_per_file = ROWS_PER_FILE
    try:
        yield store
    finally:
        await store.close()


async def archived(store: SqlStore, folder: Path) -> Any:
    """Archive everything that is closed."""
    await ChainCommands(chain=store.command_chain, clock=SystemClock())()
    now = datetime.now(UTC)
    head = {
        "installation": await store.installation_tag(),
        "schema": await store.schema_version(),
    }
    context = AuditContext(actor="test", at=now)
    return await store.archives.run(folder, now + timedelta(hours=1), head, context)


async def figures(store: SqlStore, accounts: list[int]) -> Any:
    """Everything that is computed from orders, deals and positions, open ones included."""
    window = HistoryQuery(account_ids=tuple(accounts))
    results = await store.position_results.closed(window, 10_000, with_sources=True)
    money = await store.account_money(accounts)
    return {
        "results": sorted(results, key=lambda each: each.id),
        "money": {
            account_id: (
                sorted(each.results, key=lambda one: one.symbol),
                {key: fee for key, fee in each.fees.items() if fee},
                {key: fee for key, fee in each.late_fees.items() if fee},
                each.positions,
                each.outside,
            )
            for account_id, each in money.items()
        },
        "open": (
            await store.history.open_orders(window, 1000),
            await store.history.open_positions(window, 1000),
        ),
    }


async def checked(store: SqlStore, dsn: str, accounts: list[int]) -> None:
    """Verify and replay find nothing."""
    report = await build_verify_report(store, Settings())
    assert report["ok"] is True, [row["findings"][:3] for row in report["accounts"]]
    for account_id in accounts:
        replayed = await build_replay_report(store, account_id)
        assert (replayed["ok"], replayed["differences"]) == (True, [])


def rows_of(dsn: str) -> dict[str, list[Any]]:
    """All rows of the tables that an archive does not write itself."""
    return {
        name: sorted(fetch_rows(dsn, f"SELECT * FROM {name}"), key=repr)
        for name in METADATA.tables
        if name not in ARCHIVE_TABLES
    }


async def whole_story(dsn: str, accounts: list[int], folder: Path) -> None:
    async with opened(dsn) as store:
        await ChainCommands(chain=store.command_chain, clock=SystemClock())()
        await ChainAudit(log=store.audit_log)()
        before, rows = await figures(store, accounts), rows_of(dsn)
    async with opened(dsn) as store:
        done = await archived(store, folder)
        assert len(done) > 1 and all(each.moved and not each.kept for each in done)
        after = rows_of(dsn)
        for table in ("oms_commands", "oms_orders", "oms_deals", "oms_positions", "event_outbox"):
            assert len(after[table]) < len(rows[table]), table
    async with opened(dsn) as store:
        assert await figures(store, accounts) == before
        await checked(store, dsn, accounts)
        assert await store.archives.verify(folder) == []
        assert await archived(store, folder) == [], "nothing is left to archive"
    async with opened(dsn) as store:
        for archive in reversed(await store.archives.list()):
            context = AuditContext(actor="test", at=datetime.now(UTC))
            back = await store.archives.restore(archive.id, folder, context)
            again = await store.archives.restore(archive.id, folder, context)
            assert back.moved and not back.kept and not again.moved
    assert rows_of(dsn) == rows
    for name in ("archived_rows", "archived_positions"):
        assert fetch_number(dsn, f"SELECT COUNT(*) FROM {name}") == 0
    async with opened(dsn) as store:
        assert await figures(store, accounts) == before
        await checked(store, dsn, accounts)


async def test_archive_and_restore_on_sqlite(damaged: Any, tmp_path: Path) -> None:
    await whole_story(dsn_of(damaged.path), list(damaged.accounts.values()), tmp_path)


async def test_archive_and_restore_on_mariadb(damaged_server: Any, tmp_path: Path) -> None:
    await whole_story(damaged_server.dsn, list(damaged_server.accounts.values()), tmp_path)


@pytest.mark.parametrize("step", ["file", "row", 2])
async def test_an_interrupted_archive_is_completed_by_the_next_run(
    damaged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Any
) -> None:
    """After the file, after its row, and after some of the transactions that delete."""
    dsn, accounts = dsn_of(damaged.path), list(damaged.accounts.values())
    async with opened(dsn) as store:
        before = await figures(store, accounts)
        with monkeypatch.context() as patched:
            _stop_at(step, store, patched)
            with pytest.raises(Stop):
                await archived(store, tmp_path)
        await checked(store, dsn, accounts)
    async with opened(dsn) as store:
        assert await figures(store, accounts) == before
        done = await archived(store, tmp_path)
        assert sum(each.moved for each in done) > ROWS_PER_FILE
        assert {each.status for each in await store.archives.list()} == {"archived"}
        await checked(store, dsn, accounts)
        assert await figures(store, accounts) == before
        assert await store.archives.verify(tmp_path) == []


async def test_rows_are_deleted_after_the_wait_even_if_a_first_run_ended_before_it(
    damaged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes believe for some seconds that nothing is archived: a request id might run again."""
    events: list[str] = []

    def delete(*arguments: Any) -> Moved:
        events.append("delete")
        return delete_group(*arguments)

    async def wait(seconds: float) -> None:
        assert seconds == 15
        events.append("wait")

    async with opened(dsn_of(damaged.path)) as store:
        with monkeypatch.context() as patched:
            _stop_at("row", store, patched)
            with pytest.raises(Stop):
                await archived(store, tmp_path)
    async with opened(dsn_of(damaged.path)) as store:
        store.archives.first_wait_seconds = 15
        monkeypatch.setattr(archives_module, "delete_group", delete)
        monkeypatch.setattr(archives_module, "wait_seconds", wait)
        await archived(store, tmp_path)
    assert events[:2] == ["wait", "delete"]
    assert events.count("wait") == 1


def _stop_at(step: Any, store: SqlStore, patched: pytest.MonkeyPatch) -> None:
    async def stop(*_: Any) -> Any:
        raise Stop

    if step == "file":
        patched.setattr(store.archives, "_store", stop)
        return
    if step == "row":
        patched.setattr(store.archives, "_delete", stop)
        return
    numbers = itertools.count()

    def delete_some(*arguments: Any) -> Moved:
        if next(numbers) == step:
            raise Stop
        return delete_group(*arguments)

    patched.setattr(archives_module, "delete_group", delete_some)


async def test_a_row_that_changed_since_it_was_written_stays(
    damaged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = dsn_of(damaged.path)
    async with opened(dsn) as store:
        stored = store.archives._store

        async def change(*arguments: Any) -> None:
            await stored(*arguments)
            execute(dsn, "UPDATE oms_orders SET comment = 'new' WHERE filled_qty <> '0'")

        monkeypatch.setattr(store.archives, "_store", change)
        done = await archived(store, tmp_path)
        assert any(each.kept for each in done)
        assert fetch_number(dsn, "SELECT COUNT(*) FROM oms_orders WHERE comment = 'new'") > 0
        assert await store.archives.verify(tmp_path) == []


async def test_nothing_is_deleted_for_a_damaged_file(
    damaged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = dsn_of(damaged.path)
    async with opened(dsn) as store:
        with monkeypatch.context() as patched:
            _stop_at("row", store, patched)
            with pytest.raises(Stop):
                await archived(store, tmp_path)
        before = rows_of(dsn)
        path = tmp_path / (await store.archives.list())[0].file
        content = path.read_bytes()
        path.write_bytes(gzip.compress(gzip.decompress(content).replace(b'"buy"', b'"sel"')))
        with pytest.raises(Invalid, match="not the one that was written"):
            await archived(store, tmp_path)
        assert rows_of(dsn) == before
        assert [each["invariant"] for each in await store.archives.verify(tmp_path)] == [
            "archive_file"
        ]
        path.write_bytes(content)
        assert await archived(store, tmp_path)


async def test_verify_names_what_was_hidden_behind_an_archive(damaged: Any, tmp_path: Path) -> None:
    """A deleted command, and one that is said to be archived and is not in the file."""
    dsn = dsn_of(damaged.path)
    async with opened(dsn) as store:
        await archived(store, tmp_path)
        archive_id = (await store.archives.list())[0].id
        ((command_id, account_id),) = fetch_rows(
            dsn, "SELECT id, account_id FROM oms_commands ORDER BY id LIMIT 1"
        )
        execute(dsn, f"DELETE FROM oms_commands WHERE id = {command_id}")
        report = await build_verify_report(store, Settings())
        found = {
            (each["invariant"], each["id"])
            for row in report["accounts"]
            for each in row["findings"]
        }
        assert ("command_deleted", command_id) in found
        execute(
            dsn,
            "INSERT INTO archived_rows (kind, row_id, account_id, archive_id) VALUES"
            f" ('command', {command_id}, {account_id}, {archive_id})",
        )
        assert [each["invariant"] for each in await store.archives.verify(tmp_path)] == [
            "archive_rows"
        ]
        execute(dsn, "UPDATE archives SET sha256 = 'x'")
        names = {each["invariant"] for each in await store.archives.verify(tmp_path)}
        assert {"archive_audit", "archive_file"} <= names


async def test_names_of_archived_rows_are_not_used_again(damaged: Any, tmp_path: Path) -> None:
    dsn = dsn_of(damaged.path)
    account_id = damaged.accounts["netting"]
    (request_id,) = damaged.one("SELECT MIN(id) FROM oms_commands WHERE account_id = ?", account_id)
    damaged.do("UPDATE oms_commands SET request_id = 'r1' WHERE id = ?", request_id)
    symbol, trade, deal_id = damaged.one(
        "SELECT d.symbol, d.exchange_trade_id, d.id FROM oms_deals d JOIN oms_positions p"
        " ON p.id = d.position_id WHERE p.account_id = ? AND p.state = 'closed'"
        " AND d.type = 'trade' ORDER BY d.id LIMIT 1",
        account_id,
    )
    async with opened(dsn) as store:
        await archived(store, tmp_path)
        again = a_command(10**9, account_id, request_id="r1")
        (result,) = await store.queue.enqueue([Submission(commands=(again,))])
        assert (result.ids, result.mismatched) == ((request_id,), frozenset({0}))
        with connect(dsn) as connection:
            gone = connection.execute("SELECT 1 FROM oms_deals WHERE id = ?", (deal_id,)).fetchall()
        assert not gone, "its position is archived"
        ledger = store.ledger
        assert await ledger.archived_trades(account_id, symbol, [trade, "other"]) == {trade}


async def test_books_and_archives_move_between_kinds_of_database(
    damaged: Any, mariadb: PrivateMariaDB, tmp_path: Path
) -> None:
    """SQLite to MariaDB and back: a backup of the books, and archives made before it."""
    accounts, rows = list(damaged.accounts.values()), rows_of(dsn_of(damaged.path))
    name = f"moved_{uuid.uuid4().hex[:12]}"
    mariadb.create_database(name)
    server, back = mariadb.dsn(name, "asyncmy"), dsn_of(tmp_path / "back.sqlite3")
    for dsn in (server, back):
        await create_schema(dsn)
    async with opened(dsn_of(damaged.path)) as store:
        await archived(store, tmp_path)
        before = await figures(store, accounts)
        schema = await store.schema_version()
        await store.backup.write(tmp_path / "first.gz", schema)
    context = AuditContext(actor="test", at=datetime.now(UTC))
    async with opened(server) as store:
        await store.backup.restore(tmp_path / "first.gz", schema, context)
        assert await figures(store, accounts) == before
        await checked(store, server, accounts)
        assert await store.archives.verify(tmp_path) == []
        newest = (await store.archives.list())[-1]
        assert (await store.archives.restore(newest.id, tmp_path, context)).moved
        await checked(store, server, accounts)
        await store.backup.write(tmp_path / "second.gz", schema)
    async with opened(back) as store:
        await store.backup.restore(tmp_path / "second.gz", schema, context)
        for archive in reversed((await store.archives.list())[:-1]):
            await store.archives.restore(archive.id, tmp_path, context)
        assert await figures(store, accounts) == before
        await checked(store, back, accounts)
    for table in ("oms_orders", "oms_deals", "oms_positions", "oms_commands", "event_outbox"):
        assert rows[table] and rows_of(back)[table] == rows[table], table
    mariadb.drop_database(name)
