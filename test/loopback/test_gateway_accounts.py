"""``--join`` creates accounts of a real gateway that trade on the loopback exchange."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.exchanges.loopback_process import run_loopback
from kit.gateway.processes import Gateway, run_gateway
from kit.http.client import call


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """Yields ``oms up`` on SQLite."""
    with run_gateway(Gateway(tmp_path)) as running:
        yield running


def test_accounts_are_created_once_and_updated(gateway: Gateway) -> None:
    admin = gateway.admin_api_key
    options = ("--join", gateway.base_url, "--api-key", admin)
    results = []
    for _ in range(2):
        with run_loopback(*options) as running:
            joined = running.next_line()["joined"]
            _, rows, _ = call(gateway, "GET", "/admin/accounts", key=admin)
            results.append((joined, rows, running.port))
    (first, _, _), (second, rows, port) = results
    assert first == second
    assert [row["exchange_id"] for row in first] == [
        *("ccxtpro.bybit", "ccxtpro.bybit", "ccxt.bybit", "ccxtpro.binance")
    ]
    accounts = {row["account_id"]: row for row in rows["items"]}
    *bybit, binance = (accounts[row["account_id"]] for row in second)
    for account in bybit:
        assert account["environment"] == "testnet"
        assert str(port) in account["extra_config_json"]["urls"]["test"]["private"]
        assert account["secret_enc"] == "enc:***"
    assert binance["environment"] == "loopback"
    assert binance["extra_config_json"]["oms"]["resolve"].keys() == {"*"}
