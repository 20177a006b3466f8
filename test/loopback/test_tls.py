"""Production URLs with a resolver and a temporary certificate authority."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import ccxt.pro
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.polling import poll_until

LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"


class LoopbackResolver(AbstractResolver):
    """Resolves every host name to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.port, self.hosts = port, set[str]()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.hosts.add(host)
        result = ResolveResult(
            hostname=host,
            host="127.0.0.1",
            port=self.port,
            family=socket.AF_INET,
            proto=0,
            flags=socket.AI_NUMERICHOST,
        )
        return [result]

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
async def resolver(venue: LoopbackExchange) -> LoopbackResolver:
    """Returns a resolver to the TLS port."""
    return LoopbackResolver(venue.startup["ports"]["tls"])


@pytest.fixture
async def pro(venue: LoopbackExchange, resolver: LoopbackResolver) -> AsyncIterator[Any]:
    """Yields an unmodified client with production URLs."""
    context = ssl.create_default_context(cafile=venue.startup["cafile"])
    connector = aiohttp.TCPConnector(ssl=context, resolver=resolver)
    async with aiohttp.ClientSession(connector=connector) as session:
        credentials = {"apiKey": "loop-a", "secret": "secret-a", "newUpdates": True}
        extra = venue.startup["extra_config"]["bybit_tls"]
        exchange = ccxt.pro.bybit(credentials | {"options": extra["options"]})
        exchange.session, exchange.own_session = session, False
        yield exchange
        await exchange.close()


async def test_trading_with_production_host_names(
    venue: LoopbackExchange, pro: Any, resolver: LoopbackResolver
) -> None:
    update = asyncio.create_task(pro.watch_order_book(LINEAR))
    assert len((await asyncio.wait_for(update, 10))["bids"]) == 1
    created = await pro.create_order(LINEAR, "limit", "buy", 0.1, 50000)
    [order] = await pro.fetch_open_orders(LINEAR)
    assert order["id"] == created["id"]
    assert resolver.hosts == {"api.bybit.com", "stream.bybit.com"}
    hosts = {row["host"] for row in venue.control("log")["log"]}
    assert hosts == {"api.bybit.com", "stream.bybit.com"}


@pytest.fixture
async def binance(venue: LoopbackExchange, resolver: LoopbackResolver) -> AsyncIterator[Any]:
    """Yields an unmodified ``ccxt.pro.binance`` with production URLs."""
    context = ssl.create_default_context(cafile=venue.startup["cafile"])
    connector = aiohttp.TCPConnector(ssl=context, resolver=resolver)
    async with aiohttp.ClientSession(connector=connector) as session:
        credentials = {"apiKey": "loop-b", "secret": "secret-b", "newUpdates": True}
        extra = venue.startup["extra_config"]["binance_tls"]
        exchange = ccxt.pro.binance(credentials | {"options": extra["options"]})
        exchange.session, exchange.own_session = session, False
        yield exchange
        await exchange.close()


@pytest.mark.parametrize(
    ("symbol", "hosts"),
    [
        (SPOT, {"api.binance.com", "fapi.binance.com", "ws-api.binance.com"}),
        (LINEAR, {"api.binance.com", "fapi.binance.com", "fstream.binance.com"}),
    ],
)
async def test_binance_streams_with_production_host_names(
    venue: LoopbackExchange, binance: Any, resolver: LoopbackResolver, symbol: str, hosts: set[str]
) -> None:
    venue.control("price", symbol=symbol, price="60000")
    await binance.load_markets()
    update = asyncio.create_task(binance.watch_orders(symbol))

    async def listening() -> Any:
        return venue.control("streams")["streams"]

    await poll_until(listening, lambda topics: topics == [["userDataStream"]])
    created = await binance.create_order(symbol, "limit", "buy", 0.01, 50000)
    [order] = await asyncio.wait_for(update, 10)
    assert (order["id"], order["symbol"], order["status"]) == (created["id"], symbol, "open")
    trades = asyncio.create_task(binance.watch_my_trades(symbol))
    await asyncio.sleep(0)
    venue.control("price", symbol=symbol, price="49999")
    [trade] = await asyncio.wait_for(trades, 10)
    assert (trade["order"], trade["price"], trade["amount"]) == (created["id"], 50000, 0.01)
    [read] = await binance.fetch_my_trades(symbol)
    assert (read["id"], read["fee"]["cost"]) == (trade["id"], trade["fee"]["cost"])
    with pytest.raises(ccxt.OrderImmediatelyFillable, match="-2021"):
        stop = {"triggerPrice": 40000}
        await binance.create_order(LINEAR, "market", "buy", 0.1, None, stop)
    assert resolver.hosts - {"stream.binance.com"} == hosts


async def test_other_clients_reject_the_certificate(venue: LoopbackExchange) -> None:
    port = venue.startup["ports"]["tls"]
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(
            "127.0.0.1", port, ssl=ssl.create_default_context(), server_hostname="api.bybit.com"
        )


def test_the_authority_is_deleted_with_the_process() -> None:
    with run_loopback() as running:
        cafile = Path(running.startup["cafile"])
        assert sorted(path.name for path in cafile.parent.iterdir()) == ["ca.pem"]
    assert not cafile.parent.exists()
