"""The connection pool over real sockets; trading requests are sent exactly once."""

import threading
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsCcxtExchange, OmsHttpClient
from ccxt_driver.sansio import idle_pool
from kit.faults.faulty_server import FaultyServer, run_faulty_server
from kit.free_ports import free_port

SECONDS = 5


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with run_faulty_server() as running:
        yield running


@pytest.fixture
def exchange(server: FaultyServer) -> Iterator[OmsCcxtExchange]:
    created = OmsCcxtExchange(
        api_key="key", account_id=7, base_url=server.base_url, timeout_seconds=SECONDS
    )
    yield created
    created.close()


def trade(exchange: OmsCcxtExchange) -> Any:
    return exchange.create_market_buy_order("BTC/USDT", 1)


def read(exchange: OmsCcxtExchange) -> Any:
    return exchange.fetch_ticker("BTC/USDT")


def used(server: FaultyServer) -> list[int]:
    """Returns the number of the connection of each request."""
    return [number for number, *_ in server.requests]


def test_a_connection_is_reused(server: FaultyServer, exchange: OmsCcxtExchange) -> None:
    assert read(exchange) == 5
    trade(exchange)
    assert exchange.fetch_order(1) is None
    requests = [(method, path) for _, method, path, _ in server.requests]
    assert requests == [
        ("POST", "/ccxt/7/fetch_ticker"),
        ("POST", "/oms/commands?wait_ms=4000"),
        ("GET", "/oms/orders/1"),
    ]
    assert used(server) == [1, 1, 1]


def test_a_path_prefix_is_kept(server: FaultyServer) -> None:
    client = OmsHttpClient(base_url=f"{server.base_url}/gate/", api_key="key")
    assert client.request("GET", "/oms/accounts", query={"status": "all"})["ok"] is True
    assert server.requests[0][2] == "/gate/oms/accounts?status=all"
    client.close()


@pytest.mark.parametrize("call", [trade, read])
def test_a_connection_closed_by_the_server_is_not_reused(
    call: Any, server: FaultyServer, exchange: OmsCcxtExchange
) -> None:
    server.behaviours = ["leave"]
    read(exchange)
    assert server.closed_silently.wait(SECONDS)
    call(exchange)
    assert used(server) == [1, 2]


def test_a_read_on_a_broken_connection_is_repeated(
    server: FaultyServer, exchange: OmsCcxtExchange
) -> None:
    server.behaviours = ["answer", "drop"]
    read(exchange)
    assert read(exchange) == 5
    assert used(server) == [1, 1, 2]


def test_an_order_on_a_broken_connection_is_not_repeated(
    server: FaultyServer, exchange: OmsCcxtExchange
) -> None:
    server.behaviours = ["answer", "drop"]
    read(exchange)
    with pytest.raises(ccxt.RequestTimeout) as caught:
        trade(exchange)
    assert caught.value.outcome == "unknown"  # type: ignore[attr-defined]
    assert used(server) == [1, 1]


def test_an_order_does_not_use_a_connection_idle_for_too_long(
    server: FaultyServer, exchange: OmsCcxtExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle_pool, "IDLE_SECONDS_MAX", 0.0)
    read(exchange)
    read(exchange)
    trade(exchange)
    assert used(server) == [1, 1, 2]


def test_a_new_connection_breaks(server: FaultyServer, exchange: OmsCcxtExchange) -> None:
    server.behaviours = ["drop"] * 4
    with pytest.raises(ccxt.RequestTimeout):
        trade(exchange)
    assert len(server.requests) == 1
    with pytest.raises(ccxt.ExchangeNotAvailable):
        read(exchange)
    assert len(server.requests) == 4, "retried twice"


@pytest.mark.parametrize(("call", "code"), [(trade, "outcome_unknown"), (read, "timeout")])
def test_response_timeout(call: Any, code: str, server: FaultyServer) -> None:
    server.behaviours = ["hang"]
    impatient = OmsCcxtExchange(
        api_key="key", account_id=7, base_url=server.base_url, timeout_seconds=0.2
    )
    with pytest.raises(ccxt.RequestTimeout) as caught:
        call(impatient)
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert len(server.requests) == 1


def test_connection_refused() -> None:
    exchange = OmsCcxtExchange(
        api_key="key", account_id=7, base_url=f"http://127.0.0.1:{free_port()}"
    )
    with pytest.raises(ccxt.ExchangeNotAvailable) as caught:
        trade(exchange)
    assert (caught.value.outcome, caught.value.retryable) == ("not_sent", True)  # type: ignore[attr-defined]


def test_an_error_with_status_and_retry_after(
    server: FaultyServer, exchange: OmsCcxtExchange
) -> None:
    server.status, server.headers = 429, {"Retry-After": "3"}
    server.body = b'{"detail": {"code": "rate_limited", "message": "slower", "retryable": true}}'
    waits: list[float] = []
    exchange._sleep = waits.append
    with pytest.raises(ccxt.RateLimitExceeded, match="slower") as caught:
        read(exchange)
    assert caught.value.retry_after == 3  # type: ignore[attr-defined]
    assert waits == [3, 3]
    assert used(server) == [1, 1, 1]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, ccxt.BadResponse), (502, ccxt.ExchangeError), (301, ccxt.ExchangeError)],
)
def test_a_body_that_is_not_json(
    status: int, expected: type, server: FaultyServer, exchange: OmsCcxtExchange
) -> None:
    server.status, server.body = status, b"<html>proxy</html>"
    with pytest.raises(expected) as caught:
        trade(exchange)
    assert caught.value.outcome == "unknown"  # type: ignore[attr-defined]
    assert caught.value.response == "<html>proxy</html>"  # type: ignore[attr-defined]


def test_threads_share_an_exchange(server: FaultyServer, exchange: OmsCcxtExchange) -> None:
    results: list[Any] = []

    def call() -> None:
        results.extend(read(exchange) for _ in range(20))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [5] * 80
    assert server.connections <= 4


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://x", "http://"])
def test_an_invalid_base_url_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not a URL"):
        OmsHttpClient(base_url=address, api_key="key")
