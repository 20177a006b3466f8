"""A gateway in this process on SQLite and on MariaDB, with accounts that pay no fees."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.gateway.in_process import TRADER, InProcessGateway, open_gateway
from oms.config import Settings
from oms.worker.equity_schedule import EquityScheduler

SPOT = "ETH/USDT"


@dataclass(slots=True)
class TradingGateway:
    """The gateway, and a key for each account."""

    gateway: InProcessGateway
    keys: dict[int, str] = field(default_factory=dict)

    @property
    def scheduler(self) -> EquityScheduler:
        """The schedule of the worker's snapshots."""
        scheduler = self.gateway.worker.equity_scheduler
        assert scheduler is not None
        return scheduler

    async def add_account(self, mode: str = "netting", **paper: Any) -> int:
        """Return a new account at manual prices with 10000 USDT and without fees."""
        settings = {
            "source": "manual",
            "balances": {"USDT": "10000"},
            "maker": "0",
            "taker": "0",
            **paper,
        }
        account = await self.gateway.add_account(mode, json.dumps({"oms": {"paper": settings}}))
        key = f"oms_trader-of-account-{account}"
        self.keys[account] = await self.gateway.add_key(
            f"trader {account}", key, grants={account: TRADER}
        )
        return account

    async def get(self, account: int, path: str) -> Any:
        """Return the body of a read with the key of the account."""
        return await self.gateway.client.get(path, key=self.keys[account])

    async def set_price(self, account: int, price: str, symbol: str = SPOT) -> None:
        """Set a manual price."""
        body = {"account_id": account, "symbol": symbol, "price": price}
        answer = await self.gateway.client("POST", "/paper/price", body, key=self.keys[account])
        assert answer.status == 200, answer.body

    async def deposit(self, account: int, currency: str, amount: str) -> None:
        """Deposit an amount; a negative one is withdrawn."""
        body = {"currency": currency, "amount": amount}
        path = f"/paper/{account}/deposit"
        answer = await self.gateway.client("POST", path, body, key=self.keys[account])
        assert answer.status == 200, answer.body

    async def trade(self, account: int, side: str, qty: str, symbol: str = SPOT, **more: Any) -> int:
        """Execute a market order; return its position."""
        terms = {"symbol": symbol, "side": side, "order_type": "market", "qty": qty} | more
        body = {"account_id": account, "command": "send_order", "payload": terms}
        path = "/oms/commands?wait_ms=10000"
        answer = await self.gateway.client("POST", path, body, key=self.keys[account])
        assert answer.status == 200, answer.body
        position: int = answer.json()["results"][0]["order"]["position_id"]
        return position


@pytest.fixture(params=["sqlite", "mariadb"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    name = f"money_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    yield server.dsn(name, "asyncmy")
    server.drop_database(name)


@pytest.fixture
async def trading(dsn: str) -> AsyncIterator[TradingGateway]:
    """A gateway with a running worker."""
    settings = Settings.model_validate({"access_cache_seconds": 0})
    async with open_gateway(dsn, settings) as gateway:
        gateway.start_worker()
        yield TradingGateway(gateway)
