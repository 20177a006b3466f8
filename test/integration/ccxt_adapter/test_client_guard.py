"""What the host guard stops before a socket opens, as seen by the hosts."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.client.http_session import HostResolver
from oms.adapters.ccxt.client.request_errors import HostMismatch, NotSent, ReadFailed
from oms.adapters.ccxt.client.venue_client import VenueClient

Opened = Callable[..., Awaitable[VenueClient]]
LINEAR = "BTC/USDT:USDT"


async def order(client: VenueClient) -> Any:
    return await client.write("create_order", LINEAR, "limit", "buy", "0.1", "50000")


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every name that is resolved; none should be."""
    names: list[str] = []

    async def resolve(_self: HostResolver, host: str, port: int = 0, family: int = 0) -> Any:
        names.append(host)
        raise OSError("no resolver in a test")

    monkeypatch.setattr(HostResolver, "resolve", resolve)
    return names


@pytest.mark.parametrize(
    "url",
    [
        "https://api.bybit.com",
        "https://api-testnet.bybit.com",
        "https://elsewhere.example",
        "http://10.1.2.3:80",
        "ftp://127.0.0.1",
    ],
)
async def test_an_ip_address_is_never_resolved(
    venue: LoopbackExchange, opened: Opened, resolved: list[str], url: str
) -> None:
    client = await opened()
    before = venue.control("log")["log"][-1]["number"]
    client.exchange.urls["api"]["private"] = url
    with pytest.raises(NotSent) as refused:
        await order(client)
    assert (refused.value.code, refused.value.headers_sent) == ("host_mismatch", False)
    with pytest.raises(ReadFailed) as failed:
        await client.read("fetch_balance")
    assert (failed.value.code, failed.value.retryable) == ("host_mismatch", False)
    assert resolved == []
    assert venue.control("log", after=before)["log"] == []


@pytest.mark.parametrize(
    ("environment", "extra", "url"),
    [
        ("testnet", {}, "https://api.bybit.com"),
        ("demo", {}, "https://api.bybit.com"),
        ("demo", {}, "https://api-testnet.bybit.com"),
        ("live", {}, "https://api-testnet.bybit.com"),
        ("live", {}, "http://127.0.0.1:1"),
        ("live", {}, "http://api.bybit.com"),
    ],
)
async def test_an_account_stays_in_its_environment(
    made: Callable[..., VenueClient],
    resolved: list[str],
    environment: str,
    extra: dict[str, Any],
    url: str,
) -> None:
    client = made(environment=environment, extra_config=extra)
    with pytest.raises(ReadFailed) as failed:
        await client.open()
    assert failed.value.code == "exchange_unavailable"
    host = {"live": "api", "demo": "api-demo", "testnet": "api-testnet"}[environment]
    assert set(resolved) == {f"{host}.bybit.com"}, "its own host was resolved, and did not answer"
    resolved.clear()
    again = made(environment=environment, extra_config={"urls": {"api": {"private": url}}})
    with pytest.raises(NotSent) as refused:
        await again.open()
    assert refused.value.code == "extra_config_refused"
    assert resolved == []


async def test_a_stream_outside_the_environment_is_not_dialed(
    opened: Opened, resolved: list[str]
) -> None:
    client = await opened(engine="ccxtpro")
    client.exchange.urls["api"]["ws"]["private"]["contract"] = "wss://stream.bybit.com/v5/private"
    with pytest.raises(HostMismatch):
        client.exchange.client("wss://stream.bybit.com/v5/private")
    with pytest.raises(ReadFailed) as failed:
        await client.watch("watch_orders", {})
    assert failed.value.code == "host_mismatch"
    assert resolved == []


async def test_a_redirect_is_never_followed(venue: LoopbackExchange, opened: Opened) -> None:
    client = await opened()
    here = f"http://127.0.0.1:{venue.port}/second-hop"
    venue.control("fault", match="wallet-balance", mode="redirect", location=here, status=307)
    with pytest.raises(ReadFailed):
        await client.read("fetch_balance")
    assert venue.paths("second-hop") == []


async def test_a_name_that_resolves_elsewhere_is_refused() -> None:
    resolver = HostResolver({"here": "127.0.0.1:5", "there": "192.0.2.1:5"}, only_loopback=True)
    [found] = await resolver.resolve("here", 443)
    assert (found["host"], found["port"], found["hostname"]) == ("127.0.0.1", 5, "here")
    with pytest.raises(HostMismatch):
        await resolver.resolve("there", 443)
    await resolver.close()
