"""A gateway per test: API, worker and a SQLite store in this process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.exchanges.deferred_exchange import connect_deferred
from kit.gateway.in_process import InProcessGateway, open_gateway, start_trading
from oms.config import Settings

BODY_BYTES_MAX = 100_000
ITEMS_MAX = 200
TRADES_PER_SECOND = 5000


@pytest.fixture
def dsn(tmp_path: Path) -> str:
    """The gateway's database."""
    return f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"


@pytest.fixture
async def gateway(dsn: str) -> AsyncIterator[InProcessGateway]:
    """A gateway whose worker is not started."""
    limits = {"body_bytes_max": BODY_BYTES_MAX, "items_max": ITEMS_MAX, "queue_depth_max": 500}
    settings = Settings.model_validate(
        {
            "commands": limits,
            "limits": {"trade_per_second": TRADES_PER_SECOND},
            "access_cache_seconds": 0,
        }
    )
    async with open_gateway(dsn, settings) as gateway:
        yield gateway


@pytest.fixture
async def busy(gateway: InProcessGateway) -> InProcessGateway:
    """A gateway with a running worker and a BTC price of 50000."""
    await start_trading(gateway)
    return gateway


@pytest.fixture
async def slow(gateway: InProcessGateway) -> InProcessGateway:
    """A gateway whose exchange answers asynchronously."""
    gateway.worker.processor.connect = connect_deferred
    gateway.start_worker()
    price = {"symbol": "BTC/USDT:USDT", "bid": "59990", "ask": "60000"}
    response = await gateway.client(
        "POST", "/paper/price", {"account_id": gateway.account_id, **price}
    )
    assert response.status == 200
    return gateway
