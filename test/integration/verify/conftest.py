"""A healthy office after some two hundred random orders in the three modes, kept as a file."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kit.asgi import AsgiClient
from kit.office import MANUAL, TRADER, Office, now, open_office
from oms.adapters.sql.store import SqlStore
from oms.cli.verify import verified
from oms.config import Settings
from oms.wire.json import time_text

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

    def one(self, text: str, *values: object) -> Any:
        """The first row of a SELECT that must have one."""
        row = self.connection.execute(text, values).fetchone()
        assert row is not None, text
        return row

    def do(self, text: str, *values: object) -> None:
        """A statement that must change a row."""
        assert self.connection.execute(text, values).rowcount > 0, text

    async def found(self, **narrowed: int) -> set[tuple[str, str, int | str]]:
        """What ``oms verify`` finds: invariant, entity and id."""
        answer = await self.answer(**narrowed)
        findings = [finding for row in answer["accounts"] for finding in row["findings"]]
        assert answer["ok"] is not bool(findings)
        return {(finding["invariant"], finding["entity"], finding["id"]) for finding in findings}

    async def answer(self, **narrowed: int) -> Checked:
        """What ``oms verify`` answers."""
        store = await SqlStore.open(dsn_of(self.path))
        try:
            return await verified(store, Settings(), **narrowed)
        finally:
            await store.close()


def dsn_of(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


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


@pytest.fixture
async def working(tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[Checked]]]:
    """An office that trades without pause; asks it for a check meanwhile."""
    path = tmp_path / "oms.sqlite3"
    async with open_office(dsn_of(path), Settings()) as office:
        accounts = await three_accounts(office, path)
        office.start_worker()
        trading = asyncio.create_task(_trade_on(office, accounts))

        async def check() -> Checked:
            assert not trading.done(), "it trades"
            return await verified(office.store, Settings())

        yield check
        trading.cancel()
        await asyncio.wait([trading])


async def _traded(path: Path) -> Ledger:
    async with open_office(dsn_of(path), Settings()) as office:
        accounts = await three_accounts(office, path)
        office.start_worker()
        chance = random.Random(7)
        sent = 0
        for _ in range(ROUNDS):
            sent += await a_round(office, accounts, chance)
        assert sent >= ORDERS
    return Ledger(path, accounts)


async def _trade_on(office: Office, accounts: dict[str, int]) -> None:
    chance = random.Random(11)
    while True:
        await a_round(office, accounts, chance)


async def three_accounts(office: Office, path: Path) -> dict[str, int]:
    """An account of each mode with strategies 0, 1 and 2, and a key that trades on them."""
    accounts = {mode: await office.add_account(mode, MANUAL) for mode in MODES}
    grants = dict.fromkeys(accounts.values(), TRADER)
    await office.add_key("three", KEY, grants=grants)
    office.client = AsgiClient(office.app, KEY)
    connection = sqlite3.connect(path, isolation_level=None)
    _strategies(connection, list(accounts.values()))
    connection.close()
    return accounts


async def a_round(office: Office, accounts: dict[str, int], chance: random.Random) -> int:
    """New prices, then some orders on each account; how many orders were stored."""
    bodies: list[dict[str, Any]] = []
    for account_id in accounts.values():
        for symbol, middle in ((CONTRACT, 50_000), (COIN, 100)):
            price = str(middle + chance.randint(-middle // 50, middle // 50))
            body = {"account_id": account_id, "symbol": symbol, "price": price}
            answer = await office.client("POST", "/paper/price", body)
            assert answer.status == 200, answer.body
        for _ in range(ORDERS_A_ROUND):
            payload = _an_order(chance)
            bodies.append({"account_id": account_id, "command": "send_order", "payload": payload})
    chance.shuffle(bodies)
    answer = await office.client("POST", "/oms/commands?wait_ms=10000", bodies)
    results = answer.json()["results"]
    assert all(row["status"] not in ("queued", "running") for row in results), answer.body
    return sum(row["order_id"] is not None for row in results)


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


def _strategies(connection: sqlite3.Connection, account_ids: list[int]) -> None:
    at = time_text(now())
    for strategy_id in (1, 2):
        connection.execute(
            "INSERT INTO strategies (id, name, created_at) VALUES (?, ?, ?)",
            (strategy_id, f"strategy {strategy_id}", at),
        )
        connection.executemany(
            "INSERT INTO strategy_accounts (strategy_id, account_id, created_at) VALUES (?, ?, ?)",
            [(strategy_id, account_id, at) for account_id in account_ids],
        )
