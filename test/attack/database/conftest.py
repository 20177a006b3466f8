"""A healthy book with chained audit rows and commands, and a checkpoint of it kept elsewhere."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kit.attack.tampering_kinds import LATE
from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import dsn_of
from kit.gateway.admin_client import AdminClient
from kit.gateway.in_process import InProcessGateway, open_gateway
from kit.polling import poll_until
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.adapters.sql.tables import METADATA
from oms.adapters.vault import AesVault, new_master_key
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.services.access.chain_audit import ChainAudit
from oms.services.access.chain_commands import ChainCommands
from oms.services.verify.checkpoint import Checkpoints

SYMBOL = "BTC/USDT:USDT"
PRICE = "50000"


@dataclass(frozen=True, slots=True)
class Book:
    """A stored book, its checkpoint, and the settings with the key that signed it."""

    dsn: str
    checkpoint: dict[str, Any]
    settings: Settings


@dataclass(frozen=True, slots=True)
class Attacked:
    """A copy of the book that is open for plain SQL."""

    book: Book
    path: Path
    connection: sqlite3.Connection

    def one(self, text: str, *values: object) -> Any:
        """The first row of a SELECT that must have one."""
        row = self.connection.execute(text, values).fetchone()
        assert row is not None, text
        return row

    def do(self, text: str, *values: object) -> None:
        """A statement that must change a row."""
        assert self.connection.execute(text, values).rowcount > 0, text

    async def rechain(self) -> None:
        """Chain again, as housekeeping does."""
        await on_store(dsn_of(self.path), chain_all)

    async def found(self, *, with_checkpoint: bool = False) -> set[tuple[str, str]]:
        """The findings of ``oms verify``: invariant and entity."""
        checkpoint = self.book.checkpoint if with_checkpoint else None
        return await findings_of(dsn_of(self.path), self.book.settings, checkpoint)


async def findings_of(
    dsn: str, settings: Settings, checkpoint: dict[str, Any] | None
) -> set[tuple[str, str]]:
    """Invariant and entity of all findings."""

    async def verify(store: SqlStore) -> dict[str, Any]:
        return await build_verify_report(store, settings, checkpoint=checkpoint)

    answer = await on_store(dsn, verify)
    findings = [each for row in answer["accounts"] for each in row["findings"]]
    assert answer["ok"] is not bool(findings)
    json.dumps(answer)
    return {(each["invariant"], each["entity"]) for each in findings}


async def on_store(dsn: str, work: Any) -> Any:
    """The result of ``work`` on the store of a database."""
    store = await SqlStore.open(dsn, check_account)
    try:
        return await work(store)
    finally:
        await store.close()


async def chain_all(store: SqlStore) -> None:
    """Chain audit rows and commands."""
    await ChainAudit(log=store.audit_log)()
    await ChainCommands(chain=store.command_chain, clock=SystemClock())()


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The healthy book, at rest."""
    path = tmp_path_factory.mktemp("book") / "oms.sqlite3"
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, make_book(dsn_of(path))).result()


@pytest.fixture
def attacked(book: Book, tmp_path: Path) -> Iterator[Attacked]:
    """A copy of it."""
    path = tmp_path / "copy.sqlite3"
    with closing(sqlite3.connect(book.dsn.partition(":///")[2])) as source:
        source.execute("VACUUM INTO ?", (str(path),))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield Attacked(book, path, connection)


async def make_book(dsn: str) -> Book:
    """Users, keys, permissions, strategies, a kill switch, orders and deals on one account."""
    settings = Settings(master_key=new_master_key())
    async with open_gateway(dsn, settings) as gateway:
        api = AdminClient(gateway, dsn)
        gateway.start_worker()
        account_id = gateway.account_id
        made = await api.user(permissions=[{"account_id": account_id, "can_trade": True}])
        key = f"/admin/api-keys/{made['api_key_id']}"
        kill = {"scope": "symbol", "scope_id": "ETH/USDT", "mode": "halt", "comment": "a test"}
        requests = [
            ("PATCH", f"/admin/users/{made['user_id']}", {"role": "risk", "status": "active"}),
            ("PATCH", key, {"status": "active", "label": "limited", "max_order_notional": "1000"}),
            ("POST", "/admin/strategies", {"name": "trend"}),
            ("PATCH", f"/admin/accounts/{account_id}", {"label": "main"}),
            ("POST", "/risk/kill", kill),
        ]
        for method, target, body in requests:
            answer = await api.admin(method, target, body, headers={"x-comment": "set up"})
            assert answer.status == 200, (target, answer.body)
        price = {"account_id": account_id, "symbol": SYMBOL, "price": PRICE}
        assert (await gateway.client("POST", "/paper/price", price)).status == 200
        for side, qty in (("buy", "0.03"), ("sell", "0.01"), ("buy", "0.02"), ("sell", "0.04")):
            body = [gateway.command(side=side, qty=qty)]
            answer = await gateway.client("POST", "/oms/commands?wait_ms=10000", body)
            assert answer.json()["results"][0]["status"] == "done", answer.body
        limit = [gateway.command(order_type="limit", price="40000")]
        answer = await gateway.client("POST", "/oms/commands?wait_ms=10000", limit)
        assert answer.status == 200
        for qty, status in (("0.01", "done"), ("0.00000001", "blocked")):
            signal = {"account_id": account_id, "symbol": SYMBOL, "side": "buy", "qty": qty}
            await _send_signal(gateway, signal, status)
        await gateway.stop_worker()
        await chain_all(gateway.store)
        checkpoints = Checkpoints(
            audit_log=gateway.store.audit_log,
            command_chain=gateway.store.command_chain,
            signer=AesVault(lambda: [settings.master_key or ""]),
            clock=SystemClock(),
            installation=await gateway.store.installation_tag(),
        )
        return Book(dsn, await checkpoints.make(), settings)


async def _send_signal(gateway: InProcessGateway, body: dict[str, Any], status: str) -> None:
    """Send a signal, and wait until it has ended so."""
    answer = await gateway.client("POST", "/signals/trade", body)
    path = f"/signals/{answer.json()['signal_id']}"

    async def read() -> str:
        return str((await gateway.client("GET", path)).json()["signal"]["status"])

    assert await poll_until(read, lambda found: found != "queued", 10) == status


@dataclass(frozen=True, slots=True)
class AttackedServer:
    """The book on MariaDB; ``healthy`` is the database that it is restored from."""

    book: Book
    healthy: str
    connection: Any

    def do(self, text: str) -> None:
        """A statement that must change a row."""
        text = text.replace(LATE, "2026-01-01 00:00:00").replace("%", "%%")
        assert self.connection.cursor().execute(text) > 0, text

    def restore(self) -> None:
        """Every table as in the healthy database."""
        cursor = self.connection.cursor()
        cursor.execute("SET foreign_key_checks = 0")
        for table in METADATA.sorted_tables:
            cursor.execute(f"DELETE FROM {table.name}")
            cursor.execute(f"INSERT INTO {table.name} SELECT * FROM {self.healthy}.{table.name}")

    async def found(self, *, with_checkpoint: bool = False) -> set[tuple[str, str]]:
        """The findings of ``oms verify``: invariant and entity."""
        checkpoint = self.book.checkpoint if with_checkpoint else None
        return await findings_of(self.book.dsn, self.book.settings, checkpoint)


@pytest.fixture(scope="module")
def server_book(mariadb: PrivateMariaDB) -> Iterator[AttackedServer]:
    """The book on MariaDB, beside a copy."""
    name, healthy = "attacked_book", "attacked_book_healthy"
    for database in (name, healthy):
        mariadb.create_database(database)
    with ThreadPoolExecutor(1) as thread:
        book = thread.submit(asyncio.run, make_book(mariadb.dsn(name, "asyncmy"))).result()
    with closing(mariadb.connect(name)) as connection:
        connection.autocommit(True)
        cursor = connection.cursor()
        for table in METADATA.sorted_tables:
            cursor.execute(f"CREATE TABLE {healthy}.{table.name} AS SELECT * FROM {table.name}")
        yield AttackedServer(book, healthy, connection)
    for database in (name, healthy):
        mariadb.drop_database(database)


@pytest.fixture
def attacked_server(server_book: AttackedServer) -> AttackedServer:
    """The healthy book on MariaDB."""
    server_book.restore()
    return server_book
