"""``set_sandbox_mode`` and ``urls``: who chose a test environment trades in no other."""

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsCcxtExchange, OmsHttpClient
from kit.http.stub_transport import BASE_URL, ORDER, StubTransport, results

MARKET = {"id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "spot": True}
#: Responses to what the first order of an object loads: markets and description.
LOADED = ({"result": {"BTC/USDT": MARKET}}, {"result": {}})
ACCOUNTS = "/oms/accounts"
Prepare = Callable[[Any], object]
ONE = {"symbol": "BTC/USDT", "type": "market", "side": "buy", "amount": 1}


def exchange_on(environment: str, **config: Any) -> tuple[Any, StubTransport]:
    account = {"account_id": 7, "id": 7, "environment": environment}
    orders = [results({"order": ORDER})] * 2
    transport = StubTransport([{"items": [account]}, *LOADED, *orders])
    http = OmsHttpClient(base_url=BASE_URL, api_key="key", transport=transport)
    config |= {"apiKey": "key", "accountId": 7, "baseUrl": BASE_URL}
    exchange = OmsCcxtExchange(config=config, http_client=http)
    exchange._sleep = lambda seconds: None
    return exchange, transport


def edit_one(exchange: Any) -> None:
    exchange.urls["api"]["public"] = "https://testnet.example.com"


def replace_all(exchange: Any) -> None:
    exchange.urls["api"] = exchange.urls["test"]


CHOICES: dict[str, tuple[dict[str, Any], Prepare]] = {
    "set_sandbox_mode": ({}, lambda exchange: exchange.set_sandbox_mode(True)),
    "twice": ({}, lambda exchange: (exchange.setSandboxMode(True), replace_all(exchange))),
    "demo trading": ({}, lambda exchange: exchange.enable_demo_trading(True)),
    "urls replaced": ({}, replace_all),
    "one of urls": ({}, edit_one),
    "text": ({}, lambda exchange: exchange.urls.update(api="https://testnet.example.com")),
    "sandbox": ({"sandbox": True}, repr),
    "testnet": ({"testnet": True}, repr),
    "an option": ({"options": {"sandbox": True}}, repr),
    "urls in the config": ({"urls": {"api": "https://testnet.example.com"}}, repr),
    "one of urls in the config": ({"urls": {"api": {"public": "https://example.com"}}}, repr),
}


TRADES: tuple[Prepare, ...] = (
    lambda exchange: exchange.create_order("BTC/USDT", "market", "buy", 1),
    lambda exchange: exchange.create_orders([ONE]),
    lambda exchange: exchange.edit_order("42", "BTC/USDT", "limit", "buy", 1, 100),
    lambda exchange: exchange.close_position("BTC/USDT", None, {"position_id": 3}),
)


@pytest.mark.parametrize("name", CHOICES)
def test_a_live_account_is_refused(name: str) -> None:
    config, choose = CHOICES[name]
    exchange, transport = exchange_on("live", **config)
    choose(exchange)
    for trade in TRADES:
        with pytest.raises(ccxt.NotSupported, match="live"):
            trade(exchange)
        transport.answers.insert(0, {"items": [{"account_id": 7, "environment": "live"}]})
    assert {sent.path for sent in transport.sent} == {ACCOUNTS}


@pytest.mark.parametrize("name", CHOICES)
def test_a_test_account_is_checked_once(name: str) -> None:
    config, choose = CHOICES[name]
    exchange, transport = exchange_on("testnet", **config)
    choose(exchange)
    for _ in range(2):
        exchange.create_order("BTC/USDT", "market", "buy", 1)
    paths = [sent.path for sent in transport.sent]
    assert (paths.count(ACCOUNTS), paths.count("/oms/commands")) == (1, 2)


NO_CHOICES: dict[str, tuple[dict[str, Any], Prepare]] = {
    "nothing": ({}, repr),
    "switched off": ({}, lambda exchange: exchange.set_sandbox_mode(False)),
    "on and off": (
        {"sandbox": True},
        lambda exchange: exchange.set_sandbox_mode(False),
    ),
    "other urls": ({"urls": {"doc": "https://example.com"}}, repr),
    "read": ({}, lambda exchange: exchange.urls["api"]["fapiPrivate"]),
}


@pytest.mark.parametrize("name", NO_CHOICES)
def test_a_program_without_a_choice_trades(name: str) -> None:
    config, prepare = NO_CHOICES[name]
    exchange, transport = exchange_on("live", **config)
    prepare(exchange)
    del transport.answers[0]
    exchange.create_order("BTC/USDT", "market", "buy", 1)
    assert ACCOUNTS not in [sent.path for sent in transport.sent]


def test_urls_change_as_in_ccxt() -> None:
    exchange, _ = exchange_on("testnet")
    original = ccxt.bybit()
    for each in (exchange, original):
        assert not each.isSandboxModeEnabled and "apiBackup" not in each.urls
        own = each.urls["api"]
        assert own != each.urls["test"]
        each.set_sandbox_mode(True)
        assert each.isSandboxModeEnabled and each.urls["api"] == each.urls["test"]
        assert each.urls["apiBackup"] == own
        with pytest.raises(ccxt.NotSupported):
            each.enable_demo_trading(True)
        each.set_sandbox_mode(False)
        assert not each.isSandboxModeEnabled and "apiBackup" not in each.urls
        assert each.urls["api"] == own
        each.enable_demo_trading(True)
        assert each.options["enableDemoTrading"] is True
    assert exchange.urls["api"]["public"] == BASE_URL


def test_attributes_of_a_config_are_set() -> None:
    exchange, _ = exchange_on("testnet", newUpdates=False, verbose=True)
    assert (exchange.newUpdates, exchange.verbose) == (False, True)
