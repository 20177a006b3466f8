"""The asyncio connection pool over real sockets; trading requests are sent once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsCcxtAsyncExchange
from ccxt_driver.sansio import idle_pool
from ccxt_driver.sansio.http1 import HttpRequest, HttpResponse
from ccxt_driver.transport.async_connection_pool import AsyncConnectionPool
from kit.faults.faulty_server import FaultyServer, run_faulty_server
from kit.free_ports import free_port

SECONDS = 5


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with run_faulty_server() as running:
        yield running


def new_exchange(base_url: str, seconds: float = SECONDS) -> OmsCcxtAsyncExchange:
    return OmsCcxtAsyncExchange(
        api_key="key", account_id=7, base_url=base_url, timeout_seconds=seconds, dialect="oms"
    )


@pytest.fixture
async def exchange(server: FaultyServer) -> AsyncIterator[OmsCcxtAsyncExchange]:
    async with new_exchange(server.base_url) as created:
        yield created


def trade(exchange: OmsCcxtAsyncExchange) -> Any:
    return exchange.create_market_buy_order("BTC/USDT", 1)


def read(exchange: OmsCcxtAsyncExchange) -> Any:
    return exchange.fetch_ticker("BTC/USDT")


def used(server: FaultyServer) -> list[int]:
    return [number for number, *_ in server.requests]


async def test_a_connection_is_reused(server: FaultyServer, exchange: OmsCcxtAsyncExchange) -> None:
    assert await read(exchange) == 5
    await trade(exchange)
    assert await exchange.load_has() == exchange.has
    requests = [(method, path) for _, method, path, _ in server.requests]
    assert requests == [
        ("POST", "/ccxt/7/fetch_ticker"),
        ("POST", "/oms/commands?wait_ms=4000"),
        ("POST", "/ccxt/7/describe"),
    ]
    assert used(server) == [1, 1, 1]


@pytest.mark.parametrize("call", [trade, read])
async def test_a_connection_closed_by_the_server_is_not_reused(
    call: Any, server: FaultyServer, exchange: OmsCcxtAsyncExchange
) -> None:
    server.behaviours = ["leave"]
    await read(exchange)
    assert await asyncio.to_thread(server.closed_silently.wait, SECONDS)
    await asyncio.sleep(0.05)  # until the event loop has noticed
    await call(exchange)
    assert used(server) == [1, 2]


async def test_a_read_on_a_broken_connection_is_repeated(
    server: FaultyServer, exchange: OmsCcxtAsyncExchange
) -> None:
    server.behaviours = ["answer", "drop"]
    await read(exchange)
    assert await read(exchange) == 5
    assert used(server) == [1, 1, 2]


async def test_an_order_on_a_broken_connection_is_not_repeated(
    server: FaultyServer, exchange: OmsCcxtAsyncExchange
) -> None:
    server.behaviours = ["answer", "drop"]
    await read(exchange)
    with pytest.raises(ccxt.RequestTimeout) as caught:
        await trade(exchange)
    assert caught.value.outcome == "unknown"  # type: ignore[attr-defined]
    assert used(server) == [1, 1]


async def test_an_order_does_not_use_a_connection_idle_for_too_long(
    server: FaultyServer, exchange: OmsCcxtAsyncExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle_pool, "IDLE_SECONDS_MAX", 0.0)
    await read(exchange)
    await trade(exchange)
    assert used(server) == [1, 2]


@pytest.mark.parametrize(("call", "code"), [(trade, "outcome_unknown"), (read, "timeout")])
async def test_response_timeout(call: Any, code: str, server: FaultyServer) -> None:
    server.behaviours = ["hang"]
    async with new_exchange(server.base_url, 0.2) as impatient:
        with pytest.raises(ccxt.RequestTimeout) as caught:
            await call(impatient)
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert len(server.requests) == 1


async def test_connection_refused() -> None:
    async with new_exchange(f"http://127.0.0.1:{free_port()}") as exchange:
        with pytest.raises(ccxt.ExchangeNotAvailable) as caught:
            await trade(exchange)
    assert (caught.value.outcome, caught.value.retryable) == ("not_sent", True)  # type: ignore[attr-defined]


async def test_concurrent_calls_use_one_connection_each_and_few_are_retained(
    server: FaultyServer, exchange: OmsCcxtAsyncExchange
) -> None:
    assert await asyncio.gather(*(read(exchange) for _ in range(20))) == [5] * 20
    assert server.connections <= 20
    assert await asyncio.gather(*(read(exchange) for _ in range(8))) == [5] * 8
    assert server.connections <= 20


def test_another_event_loop_opens_its_own_connections(server: FaultyServer) -> None:
    exchange = new_exchange(server.base_url)

    async def once() -> Any:
        async with exchange:
            return await read(exchange)

    assert [asyncio.run(once()), asyncio.run(once())] == [5, 5]


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n{}"
RESPONSES = [
    (OK + b"Content-Length: 2\r\n\r\n{}", 200),
    (CHUNKED + b"1;x=y\r\n{\r\n1\r\n}\r\n0\r\nA: b\r\n\r\n", 200),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + LAST, 404),
]


async def _receive(text: bytes) -> HttpResponse:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        pool = AsyncConnectionPool(
            f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", SECONDS
        )
        try:
            return await pool.exchange(HttpRequest(method="GET", target="/", headers={}))
        finally:
            await pool.close()


@pytest.mark.parametrize(("text", "status"), RESPONSES)
async def test_response_framings(text: bytes, status: int) -> None:
    response = await _receive(text)
    assert (response.status, response.body) == (status, b"{}")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"what?\r\n\r\n",
        OK + b"Content-Length: 9\r\n\r\n{}",
        CHUNKED + b"z\r\n",
    ],
)
async def test_an_incomplete_response_is_lost(text: bytes) -> None:
    with pytest.raises(OSError):
        await _receive(text)


async def test_a_header_cannot_inject_another() -> None:
    pool = AsyncConnectionPool("http://127.0.0.1:1", 1)
    with pytest.raises(ValueError, match="line break"):
        await pool.exchange(HttpRequest(method="GET", target="/", headers={"x": "a\r\nb: c"}))
