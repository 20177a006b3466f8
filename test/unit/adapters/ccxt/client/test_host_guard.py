"""The host guard by venue: which URLs each environment may call."""

import pytest

from oms.adapters.ccxt.client.host_guard import build_host_guard
from oms.adapters.ccxt.client.request_errors import HostMismatch
from oms.adapters.ccxt.venues.catalog import load_venues

MARK = {"x-simulated-trading": "1"}


def passes(venue: str, environment: str, url: str, headers: dict[str, str] | None = None) -> bool:
    guard = build_host_guard(load_venues()[venue], environment)
    try:
        if url.startswith("ws"):
            guard.check_stream(url)
        else:
            guard.check(url, headers or {})
    except HostMismatch:
        return False
    return True


@pytest.mark.parametrize(
    ("environment", "url", "may"),
    [
        ("live", "https://api.bybit.com/v5/order/create", True),
        ("live", "https://API.bybit.com./v5/order/create", True),
        ("live", "https://api.bybit.com:444/v5/order/create", False),
        ("live", "http://api.bybit.com/v5/order/create", False),
        ("live", "https://api-testnet.bybit.com/v5/order/create", False),
        ("live", "https://api.bybit.com@evil.example/v5", False),
        ("live", "https://api.bybit.com.evil.example/v5", False),
        ("live", "https://127.0.0.1/v5", False),
        ("live", "https://[::1]/v5", False),
        ("live", "https://localhost/v5", False),
        ("live", "wss://stream.bybit.com/v5/private", True),
        ("live", "ws://stream.bybit.com/v5/private", False),
        ("testnet", "https://api-testnet.bybit.com/v5", True),
        ("testnet", "https://api.bybit.com/v5", False),
        ("testnet", "http://127.0.0.1:18070/v5", True),
        ("testnet", "http://[::1]:18070/v5", True),
        ("testnet", "http://127.0.0.1.evil.example/v5", False),
        ("testnet", "http://10.0.0.1/v5", False),
        ("testnet", "wss://stream-testnet.bybit.com/v5/private", True),
        ("testnet", "wss://stream.bybit.com/v5/private", False),
        ("demo", "https://api-demo.bybit.com/v5", True),
        ("demo", "https://api.bybit.com/v5", False),
        ("demo", "wss://stream.bybit.com/v5/public/linear", True),
        ("demo", "wss://stream.bybit.com/v5/private", False),
        ("demo", "wss://stream-demo.bybit.com/v5/private", True),
        ("loopback", "https://api.bybit.com/v5", False),
        ("loopback", "https://api-testnet.bybit.com/v5", False),
        ("loopback", "http://127.8.9.1:1/v5", True),
        ("loopback", "http://localhost:1/v5", True),
        ("loopback", "ws://127.0.0.1:1/v5/private", True),
        ("loopback", "file:///etc/passwd", False),
        ("loopback", "http://127.0.0.1:nonsense/", False),
    ],
)
def test_bybit(environment: str, url: str, may: bool) -> None:
    assert passes("bybit", environment, url) is may


@pytest.mark.parametrize(
    ("environment", "headers", "may"),
    [
        ("live", {}, True),
        ("live", MARK, False),
        ("live", {"X-Simulated-Trading": "0"}, False),
        ("testnet", {}, False),
        ("testnet", {"X-SIMULATED-TRADING": "1"}, True),
        ("testnet", {"x-simulated-trading": "0"}, False),
    ],
)
def test_okx_environments_differ_by_header(
    environment: str, headers: dict[str, str], may: bool
) -> None:
    assert passes("okx", environment, "https://www.okx.com/api/v5/trade/order", headers) is may


def test_okx_streams_have_their_own_host() -> None:
    assert passes("okx", "testnet", "wss://wspap.okx.com:443/ws/v5/private")
    assert not passes("okx", "testnet", "wss://ws.okx.com:443/ws/v5/private")
    assert not passes("okx", "live", "wss://wspap.okx.com:443/ws/v5/private")


def test_bitget_reads_the_time_without_its_header() -> None:
    assert passes("bitget", "testnet", "https://api.bitget.com/api/v2/public/time")
    order = "https://api.bitget.com/api/v2/mix/order/place-order"
    assert not passes("bitget", "testnet", order)
    assert passes("bitget", "testnet", order, {"PAPTRADING": "1"})
    assert not passes("bitget", "live", order, {"PAPTRADING": "1"})


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://api.bybit.com/v5", True),
        ("https://elsewhere.example/v5", True),
        ("https://10.0.0.1/v5", False),
        ("https://[2001:db8::1]/v5", False),
    ],
)
def test_any_name_may_resolve_to_this_machine(url: str, may: bool) -> None:
    guard = build_host_guard(load_venues()["bybit"], "loopback", resolve={"*": "127.0.0.1:18443"})
    if may:
        guard.check(url, {})
    else:
        with pytest.raises(HostMismatch):
            guard.check(url, {})


def test_hosts_of_the_account_are_added() -> None:
    guard = build_host_guard(load_venues()["bybit"], "live", allowed_hosts=("api.bytick.com",))
    guard.check("https://api.bytick.com/v5", {})
    with pytest.raises(HostMismatch) as error:
        guard.check("https://api.elsewhere.com/v5?api_key=SECRET", {})
    assert "SECRET" not in str(error.value)
    assert "bybit in live may not call api.elsewhere.com" in str(error.value)
