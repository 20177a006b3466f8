"""A healthy ledger after some two hundred random orders in the three modes, stored as a file."""

import asyncio
import random
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import dsn_of, execute
from kit.gateway.in_process import MANUAL, TRADER, InProcessGateway, open_gateway
from kit.http.asgi_client import AsgiClient
from oms import bootstrap
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.adapters.sql.tables import METADATA
from oms.cli.verify import build_verify_report
from oms.config import Settings

ORDERS = 200
#: Share of contract orders that may only reduce; a hedge account closes by no others.
REDUCING = 0.3
ROUNDS = 16
ORDERS_A_ROUND = 6
MODES = ("netting", "strategy_netting", "hedge")
CONTRACT, COIN = "BTC/USDT:USDT", "SOL/USDT"
KEY = "oms_a-trader-on-three-accounts"

Checked = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A stored ledger, its accounts by mode."""

    path: Path
    accounts: dict[str, int]

    def copied(self, to: Path) -> sqlite3.Connection:
        """A copy, open for plain SQL, each statement its own transaction."""
        connection = sqlite3.connect(self.path)
        connection.execute("VACUUM INTO ?", (str(to),))
        connection.close()
        return sqlite3.connect(to, isolation_level=None)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A copy of the healthy ledger, to be damaged by plain SQL."""

    path: Path
    connection: sqlite3.Connection
    accounts: dict[str, int]

    def words(self, text: str) -> str:
        """A statement in the dialect of the copy."""
        return text

    def time(self, year: int) -> str:
        """The beginning of a year."""
        return f"{year}-01-01T00:00:00.000000Z"

    def one(self, text: str, *values: object) -> Any:
        """The first row of a SELECT that must have one."""
        row = self.connection.execute(text, values).fetchone()
        assert row is not None, text
        return row

    def do(self, text: str, *values: object) -> None:
        """A statement that must change a row."""
        assert self.connection.execute(text, values).rowcount > 0, text

    async def found(self, **narrowed: int) -> set[tuple[str, str, int | str]]:
        """Return the findings of ``oms verify``: invariant, entity and id."""
        return found_in(await self.answer(**narrowed))

    async def answer(self, **narrowed: int) -> Checked:
        """What ``oms verify`` answers."""
        return await answered(dsn_of(self.path), **narrowed)


@dataclass(frozen=True, slots=True)
class DamagedServer:
    """A copy on MariaDB; damage is repaired from the healthy database."""

    dsn: str
    healthy: str
    connection: Any
    accounts: dict[str, int]

    def words(self, text: str) -> str:
        """A statement in the dialect of the copy."""
        return text.replace("%", "%%").replace("?", "%s")

    def time(self, year: int) -> str:
        """The beginning of a year."""
        return f"{year}-01-01"

    def one(self, text: str, *values: object) -> Any:
        """The first row of a SELECT that must have one."""
        cursor = self.connection.cursor()
        cursor.execute(self.words(text), values)
        row = cursor.fetchone()
        assert row is not None, text
        return row

    def do(self, text: str, *values: object) -> None:
        """A statement that must change a row."""
        assert self.connection.cursor().execute(self.words(text), values) > 0, text

    async def found(self) -> set[tuple[str, str, int | str]]:
        """What ``oms verify`` finds."""
        return found_in(await answered(self.dsn))

    def put_right(self) -> None:
        """Every table as it is in the healthy database."""
        cursor = self.connection.cursor()
        cursor.execute("SET foreign_key_checks = 0")
        for table in METADATA.sorted_tables:
            cursor.execute(f"DELETE FROM {table.name}")
            cursor.execute(f"INSERT INTO {table.name} SELECT * FROM {self.healthy}.{table.name}")


async def answered(dsn: str, **narrowed: int) -> Checked:
    """What ``oms verify`` answers."""
    store = await SqlStore.open(dsn, check_account)
    try:
        return await build_verify_report(store, Settings(), **narrowed)
    finally:
        await store.close()


def found_in(answer: Checked) -> set[tuple[str, str, int | str]]:
    """Invariant, entity and id of all findings."""
    findings = [finding for row in answer["accounts"] for finding in row["findings"]]
    assert answer["ok"] is not bool(findings)
    return {(finding["invariant"], finding["entity"], finding["id"]) for finding in findings}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The ledger, at rest."""
    path = tmp_path_factory.mktemp("ledger") / "oms.sqlite3"
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _traded(path)).result()


@pytest.fixture
def damaged(healthy: Ledger, tmp_path: Path) -> Iterator[Damaged]:
    """A copy of it."""
    path = tmp_path / "damaged.sqlite3"
    with closing(healthy.copied(path)) as connection:
        yield Damaged(path, connection, healthy.accounts)


@pytest.fixture(scope="module")
def healthy_server(mariadb: PrivateMariaDB) -> Iterator[DamagedServer]:
    """Yield a smaller damaged copy on MariaDB, next to its healthy database."""
    healthy, copy = (f"verify_{uuid.uuid4().hex[:12]}" for _ in range(2))
    for name in (healthy, copy):
        mariadb.create_database(name)
    dsn = mariadb.dsn(healthy, "asyncmy")
    with ThreadPoolExecutor(1) as thread:
        accounts, _ = thread.submit(asyncio.run, traded(dsn, ROUNDS // 2)).result()
        thread.submit(asyncio.run, create_schema(mariadb.dsn(copy, "asyncmy"))).result()
    with closing(mariadb.connect(copy)) as connection:
        connection.autocommit(True)
        yield DamagedServer(mariadb.dsn(copy, "asyncmy"), healthy, connection, accounts)
    for name in (healthy, copy):
        mariadb.drop_database(name)


@pytest.fixture
def damaged_server(healthy_server: DamagedServer) -> DamagedServer:
    """A healthy copy on MariaDB."""
    healthy_server.put_right()
    return healthy_server


@pytest.fixture
def trading() -> ModuleType:
    """What trades here, for tests that say when."""
    return sys.modules[__name__]


@pytest.fixture
async def working(tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[Checked]]]:
    """A gateway that trades continuously and is verified meanwhile."""
    path = tmp_path / "oms.sqlite3"
    async with open_gateway(dsn_of(path), Settings()) as gateway:
        accounts = await three_accounts(gateway, dsn_of(path))
        gateway.start_worker()
        await a_round(gateway, accounts, random.Random(3))
        trading = asyncio.create_task(_trade_on(gateway, accounts))

        async def check() -> Checked:
            if trading.done():
                trading.result()
            return await asyncio.to_thread(verify_separately, path)

        yield check
        trading.cancel()
        await asyncio.wait([trading])


def verify_separately(path: Path) -> Checked:
    """Verify with a store and an event loop of its own, as ``oms verify`` does beside a gateway."""

    async def run() -> Checked:
        settings = Settings(database_url=dsn_of(path))
        async with bootstrap.open_store(settings) as store:
            return await build_verify_report(store, settings)

    return asyncio.run(run())


async def _traded(path: Path) -> Ledger:
    accounts, sent = await traded(dsn_of(path), ROUNDS)
    assert sent >= ORDERS
    return Ledger(path, accounts)


async def traded(dsn: str, rounds: int) -> tuple[dict[str, int], int]:
    """Three accounts that traded, and how many orders were stored."""
    async with open_gateway(dsn, Settings()) as gateway:
        accounts = await three_accounts(gateway, dsn)
        gateway.start_worker()
        chance = random.Random(7)
        sent = 0
        for _ in range(rounds):
            sent += await a_round(gateway, accounts, chance)
        await rearranged(gateway, accounts["strategy_netting"], accounts["hedge"])
    return accounts, sent


async def _trade_on(gateway: InProcessGateway, accounts: dict[str, int]) -> None:
    """Rounds of trading without an end; deposits make up for what fees and losses take."""
    chance = random.Random(11)
    while True:
        for account_id in accounts.values():
            body = {"currency": "USDT", "amount": "1000"}
            answer = await gateway.client("POST", f"/paper/{account_id}/deposit", body)
            assert answer.status == 200, answer.body
        await a_round(gateway, accounts, chance)


async def three_accounts(gateway: InProcessGateway, dsn: str) -> dict[str, int]:
    """An account of each mode with strategies 0, 1 and 2, and a key that trades on them."""
    accounts = {mode: await gateway.add_account(mode, MANUAL) for mode in MODES}
    grants = dict.fromkeys(accounts.values(), TRADER)
    await gateway.add_key("three", KEY, grants=grants)
    gateway.client = AsgiClient(gateway.app, KEY)
    _strategies(dsn, list(accounts.values()))
    return accounts


async def a_round(
    gateway: InProcessGateway, accounts: dict[str, int], chance: random.Random
) -> int:
    """New prices, then some orders on each account; how many orders were stored."""
    bodies: list[dict[str, Any]] = []
    for account_id in accounts.values():
        for symbol, middle in ((CONTRACT, 50_000), (COIN, 100)):
            price = str(middle + chance.randint(-middle // 50, middle // 50))
            body = {"account_id": account_id, "symbol": symbol, "price": price}
            answer = await gateway.client("POST", "/paper/price", body)
            assert answer.status == 200, answer.body
        for _ in range(ORDERS_A_ROUND):
            payload = _an_order(chance)
            bodies.append({"account_id": account_id, "command": "send_order", "payload": payload})
    chance.shuffle(bodies)
    answer = await gateway.client("POST", "/oms/commands?wait_ms=10000", bodies)
    report = answer.json()
    report = report.get("detail", report)  # an error, when all of them are refused
    assert "results" in report, answer.body
    results = report["results"]
    assert all(row["status"] not in ("queued", "running") for row in results), answer.body
    return sum(row["order_id"] is not None for row in results)


async def rearranged(gateway: InProcessGateway, netting_id: int, hedge_id: int) -> None:
    """A close-by of two strategies of one account, and a merge of two tickets of another."""
    order: dict[str, Any] = {"symbol": CONTRACT, "order_type": "market", "qty": "0.3"}
    for strategy_id, side in ((1, "buy"), (2, "sell")):
        owned = {"side": side, "strategy_id": strategy_id}
        await _done(gateway, netting_id, "send_order", order | owned)
    held = {row["strategy_id"]: row["id"] for row in await _open_contracts(gateway, netting_id)}
    pair = {"position_id_a": held[1], "position_id_b": held[2], "qty": "0.002"}
    await _done(gateway, netting_id, "close_by", pair)
    for _ in range(2):
        await _done(gateway, hedge_id, "send_order", order | {"side": "buy", "new_position": True})
    tickets = [row["id"] for row in await _open_contracts(gateway, hedge_id)]
    source, target = sorted(tickets)[-2:]
    both = {"source_position_id": source, "target_position_id": target}
    await _done(gateway, hedge_id, "merge_positions", both)


async def _open_contracts(gateway: InProcessGateway, account_id: int) -> list[dict[str, Any]]:
    answer = await gateway.client("GET", f"/oms/positions/open?account_ids={account_id}")
    return [row for row in answer.json()["items"] if row["symbol"] == CONTRACT]


async def _done(
    gateway: InProcessGateway, account_id: int, command: str, payload: dict[str, Any]
) -> None:
    body = {"account_id": account_id, "command": command, "payload": payload}
    answer = await gateway.client("POST", "/oms/commands?wait_ms=10000", body)
    assert answer.status == 200, answer.body
    (result,) = answer.json()["results"]
    assert result["status"] == "done", answer.body


def _an_order(chance: random.Random) -> dict[str, Any]:
    symbol, middle = chance.choice([(CONTRACT, 50_000), (CONTRACT, 50_000), (COIN, 100)])
    qty = chance.randint(5, 60)
    order = {
        "symbol": symbol,
        "side": chance.choice(["buy", "buy", "sell"] if symbol == COIN else ["buy", "sell"]),
        "order_type": chance.choice(["market", "market", "limit"]),
        "qty": f"0.{qty:03d}" if symbol == CONTRACT else f"{qty}.3",
        "strategy_id": chance.randint(0, 2),
        "reduce_only": symbol == CONTRACT and chance.random() < REDUCING,
    }
    if order["order_type"] == "limit":
        order["price"] = str(middle + chance.randint(-middle // 20, middle // 20))
    return order


def _strategies(dsn: str, account_ids: list[int]) -> None:
    at = "'2026-01-01T00:00:00.000000Z'" if dsn.startswith("sqlite") else "'2026-01-01'"
    links = [f"({name}, {each}, {at})" for name in (1, 2) for each in account_ids]
    execute(
        dsn,
        "INSERT INTO strategies (id, name, created_at)"
        f" VALUES (1, 'strategy 1', {at}), (2, 'strategy 2', {at})",
        "INSERT INTO strategy_accounts (strategy_id, account_id, created_at)"
        f" VALUES {', '.join(links)}",
    )
