"""One loopback exchange, reset before each test, and clients of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient

Opened = Callable[..., Awaitable[VenueClient]]


@pytest.fixture(scope="session")
def running() -> Iterator[LoopbackExchange]:
    """The process; the fixture ``venue`` resets it."""
    with run_loopback() as exchange:
        yield exchange


@pytest.fixture
def venue(running: LoopbackExchange) -> LoopbackExchange:
    """The exchange in its initial state."""
    running.control("clear")
    running.control("reset")
    return running


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all clients' market tables."""
    return tmp_path_factory.mktemp("tables")


@pytest.fixture
def market_cache() -> MarketCache:
    """The market tables that clients share."""
    return MarketCache()


@pytest.fixture
async def made(
    venue: LoopbackExchange, tables: Path, market_cache: MarketCache
) -> AsyncIterator[Callable[..., VenueClient]]:
    """Makes clients that are not open yet, and closes them."""
    clients = list[VenueClient]()

    def make(dialect: str = "bybit", shares: bool = True, **changes: Any) -> VenueClient:
        name = dialect.removesuffix("_tls")
        arguments: dict[str, Any] = {
            "account_id": 1,
            "venue": name,
            "engine": "ccxt",
            "environment": "loopback",
            "api_key": "loop-a",
            "secret": venue.startup["keys"]["loop-a"],
            "extra_config": venue.startup["extra_config"][dialect],
            "cache_folder": tables,
        }
        client = VenueClient(ClientSpec(**(arguments | changes)), market_cache if shares else None)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def opened(made: Callable[..., VenueClient]) -> Opened:
    """Makes clients and opens them."""

    async def make(dialect: str = "bybit", **changes: Any) -> VenueClient:
        client = made(dialect, **changes)
        await client.open()
        return client

    return make
