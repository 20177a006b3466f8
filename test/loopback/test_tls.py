"""Production URLs, a resolver, and an authority of an hour: ccxt cannot reach anything else."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.pro
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from kit.loopback import Loopback, loopback

LINEAR = "BTC/USDT:USDT"


class Here(AbstractResolver):
    """Every name is this machine, at one port."""

    def __init__(self, port: int) -> None:
        self.port, self.asked = port, set[str]()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.add(host)
        where = ResolveResult(
            hostname=host,
            host="127.0.0.1",
            port=self.port,
            family=socket.AF_INET,
            proto=0,
            flags=socket.AI_NUMERICHOST,
        )
        return [where]

    async def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
async def resolver(venue: Loopback) -> Here:
    """Leads to the TLS port."""
    return Here(venue.told["ports"]["tls"])


@pytest.fixture
async def pro(venue: Loopback, resolver: Here) -> AsyncIterator[Any]:
    """An unmodified client with production URLs."""
    context = ssl.create_default_context(cafile=venue.told["cafile"])
    connector = aiohttp.TCPConnector(ssl=context, resolver=resolver)
    async with aiohttp.ClientSession(connector=connector) as session:
        credentials = {"apiKey": "loop-a", "secret": "secret-a", "newUpdates": True}
        extra = venue.told["extra_config"]["bybit_tls"]
        exchange = ccxt.pro.bybit(credentials | {"options": extra["options"]})
        exchange.session, exchange.own_session = session, False
        yield exchange
        await exchange.close()


async def test_it_trades_under_the_names_of_production(
    venue: Loopback, pro: Any, resolver: Here
) -> None:
    heard = asyncio.create_task(pro.watch_order_book(LINEAR))
    assert len((await asyncio.wait_for(heard, 10))["bids"]) == 1
    made = await pro.create_order(LINEAR, "limit", "buy", 0.1, 50000)
    [order] = await pro.fetch_open_orders(LINEAR)
    assert order["id"] == made["id"]
    assert resolver.asked == {"api.bybit.com", "stream.bybit.com"}
    hosts = {row["host"] for row in venue.ctl("log")["log"]}
    assert hosts == {"api.bybit.com", "stream.bybit.com"}


async def test_nobody_else_trusts_it(venue: Loopback) -> None:
    port = venue.told["ports"]["tls"]
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(
            "127.0.0.1", port, ssl=ssl.create_default_context(), server_hostname="api.bybit.com"
        )


def test_the_authority_goes_with_the_process() -> None:
    with loopback() as running:
        cafile = Path(running.told["cafile"])
        assert sorted(path.name for path in cafile.parent.iterdir()) == ["ca.pem"]
    assert not cafile.parent.exists()
