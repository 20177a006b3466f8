"""Which accounts are valid: engine, environment, settings; without importing ccxt."""

import json
import subprocess
import sys
from typing import Any

import pytest

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.ccxt.extra_config import parse_extra_config
from oms.adapters.ccxt.venues.catalog import load_venues
from oms.domain.errors import Invalid

HOME = "http://127.0.0.1:18070"


def check(exchange_id: str, environment: str, config: Any = None) -> None:
    text = config if isinstance(config, str) else json.dumps({} if config is None else config)
    check_account(exchange_id=exchange_id, environment=environment, extra_config=text)


def refused(exchange_id: str, environment: str, config: Any = None) -> tuple[str, str]:
    with pytest.raises(Invalid) as error:
        check(exchange_id, environment, config)
    return error.value.code, error.value.message


@pytest.mark.parametrize(
    ("exchange_id", "environment"),
    [
        ("ccxt.bybit", "live"),
        ("ccxt.bybit", "testnet"),
        ("ccxt.bybit", "demo"),
        ("ccxtpro.binance", "demo"),
        ("ccxt.okx", "testnet"),
        ("ccxt.bitget", "demo"),
        ("ccxt.kraken", "live"),
        ("ccxt.kraken", "loopback"),
        ("paper.binance", "paper"),
        ("paper.anything", "paper"),
    ],
)
def test_valid_accounts(exchange_id: str, environment: str) -> None:
    check(exchange_id, environment)


@pytest.mark.parametrize(
    ("exchange_id", "environment", "words"),
    [
        ("ccxt.kraken", "testnet", "kraken has no environment testnet; it has live, loopback"),
        ("ccxt.kraken", "demo", "it has live, loopback"),
        ("ccxt.okx", "demo", "it has live, testnet, loopback"),
        ("ccxt.bybit", "paper", "it has demo, live, testnet, loopback"),
        ("ccxt.weex", "testnet", "it has live, loopback"),
    ],
)
def test_an_environment_that_the_venue_does_not_have(
    exchange_id: str, environment: str, words: str
) -> None:
    code, message = refused(exchange_id, environment)
    assert code == "environment_not_supported" and words in message


@pytest.mark.parametrize("exchange_id", ["ccxt.foo", "ccxtpro.foo", "ccxtpro.zaif"])
def test_an_unknown_exchange(exchange_id: str) -> None:
    assert refused(exchange_id, "live")[0] == "unsupported_engine"


REFUSED: list[tuple[str, Any]] = [
    *(
        (key, "x")
        for key in ("apiKey", "secret", "password", "uid", "login", "privateKey", "walletAddress")
    ),
    *((key, "x") for key in ("token", "twofa", "session")),
    *((key, True) for key in ("sandbox", "testnet", "own_session")),
    *((key, "http://x/") for key in ("proxyUrl", "proxy_url", "proxyUrlCallback", "proxy")),
    ("maxRetriesOnFailure", 2),
]


@pytest.mark.parametrize(("key", "config"), REFUSED)
@pytest.mark.parametrize("account", [("ccxt.bybit", "testnet"), ("paper.bybit", "paper")])
def test_refused_keys_are_named(account: tuple[str, str], key: str, config: Any) -> None:
    code, message = refused(*account, {key: config})
    assert (code, f"extra_config: {key} " in message) == ("extra_config_refused", True)
    assert config != "x" or f" {config} " not in message


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"enableRateLimit": False}, "enableRateLimit"),
        ({"options": {"sandboxMode": True}}, "options.sandboxMode"),
        ({"options": {"enableDemoTrading": True}}, "options.enableDemoTrading"),
        ({"options": {"maxRetriesOnFailure": 2}}, "options.maxRetriesOnFailure"),
        ({"options": {"x": {"maxRetriesOnFailure": 2}}}, "options.x.maxRetriesOnFailure"),
        ({"options": 1}, "options an object"),
        ({"verify": False}, "verify"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"options": {"recvWindow": 60_001}}, "options.recvWindow"),
        ({"options": {"recvWindow": "9000"}}, "options.recvWindow"),
        ({"options": {"recvWindow": 0}}, "options.recvWindow"),
        ({"headers": {"X-Simulated-Trading": "1"}}, "headers.X-Simulated-Trading"),
        ({"urls": {"test": {"private": "https://api.bybit.com"}}}, "urls.test.private"),
        ({"urls": {"test": {"private": "http://10.0.0.1:80"}}}, "urls.test.private"),
        ({"urls": {"test": {"private": "ftp://127.0.0.1"}}}, "urls.test.private"),
        ({"hostname": "bybit.com@evil"}, "hostname"),
        ({"oms": {"allowed_hosts": ["api.bybit.com"]}}, "oms.allowed_hosts"),
        ({"oms": {"allowed_hosts": ["api.bytick.com"]}}, "oms.allowed_hosts"),
        ({"oms": {"allowed_hosts": ["API.Bybit.nl.:443"]}}, "oms.allowed_hosts"),
        ({"oms": {"allowed_hosts": ["api2.bybit.com"]}}, "oms.allowed_hosts"),
        ({"oms": {"allowed_hosts": ["api.binance.com"]}}, "oms.allowed_hosts"),
        ({"oms": {"allowed_hosts": "x"}}, "oms.allowed_hosts"),
        ({"oms": {"resolve": {"*": "127.0.0.1:1"}}}, "oms.resolve"),
        ({"oms": {"unknown_policy": "never"}}, "oms.unknown_policy"),
        ({"oms": {"inflight_writes_max": 0}}, "oms.inflight_writes_max"),
        ({"oms": {"capabilities": []}}, "oms.capabilities"),
        ({"oms": 1}, "oms an object"),
        ([], "an object"),
        ("{", "cannot be read"),
    ],
)
def test_settings_of_a_testnet_account_that_are_refused(config: Any, words: str) -> None:
    code, message = refused("ccxt.bybit", "testnet", config)
    assert code == "extra_config_refused" and words in message


@pytest.mark.parametrize(
    ("environment", "config", "is_fine"),
    [
        ("testnet", {"urls": {"test": {"private": HOME}}}, True),
        ("loopback", {"urls": {"test": {"private": HOME}}}, True),
        ("demo", {"urls": {"demotrading": {"private": HOME}}}, True),
        ("live", {"urls": {"api": {"private": HOME}}}, False),
        ("live", {"urls": {"api": {"private": "http://api.bybit.com"}}}, False),
        ("live", {"urls": {"api": {"private": "https://api.bybit.com"}}}, True),
        ("live", {"urls": {"api": {"private": "https://api-testnet.bybit.com"}}}, False),
        ("loopback", {"urls": {"test": {"private": "https://api-testnet.bybit.com"}}}, False),
        ("loopback", {"urls": {"test": {"private": "http://localhost:1"}}}, True),
        ("loopback", {"verify": False}, True),
        ("loopback", {"oms": {"resolve": {"*": "127.0.0.1:18443"}}}, True),
        ("loopback", {"oms": {"resolve": {"*": "10.0.0.1:18443"}}}, False),
        ("live", {"oms": {"allowed_hosts": ["api.bytick.com"]}, "hostname": "bytick.com"}, True),
        ("testnet", {"oms": {"allowed_hosts": ["test.exchange.example"]}}, True),
        ("testnet", {"oms": {"allowed_hosts": ["api-testnet.bybit.com"]}}, True),
        ("live", {"options": {"defaultType": "swap"}, "timeout": 5000, "a": 1}, True),
    ],
)
def test_urls_follow_the_environment(environment: str, config: Any, is_fine: bool) -> None:
    if is_fine:
        check("ccxt.bybit", environment, config)
    else:
        assert refused("ccxt.bybit", environment, config)[0] == "extra_config_refused"


def test_unlisted_keys_never_reach_ccxt() -> None:
    config = {"verbose": True, "markets": {}, "timeout": 3000, "oms": {"paper": {}}}
    extra = parse_extra_config(config, load_venues()["bybit"], "live")
    assert extra.ccxt == {"timeout": 3000}


def test_ccxt_is_not_imported() -> None:
    script = (
        "import sys\n"
        "from oms.adapters.ccxt.account_validation import check_account\n"
        "import oms.adapters.ccxt.client.venue_client\n"
        "check_account(exchange_id='ccxt.bybit', environment='live', extra_config='{}')\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'ccxt'])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def live(**more: Any) -> Any:
    return {"oms": {"paper": {"source": "live"}}, **more}


def test_live_prices_need_an_exchange_and_its_hosts_or_loopback() -> None:
    check("paper.bybit", "paper", live())
    check("paper.bybit", "paper", live(urls={"test": {"public": HOME}}, timeout=400))
    elsewhere = {"test": {"public": "https://api-testnet.bybit.com"}}
    code, message = refused("paper.bybit", "paper", live(urls=elsewhere))
    assert (code, "urls.test.public" in message) == ("extra_config_refused", True)
    for error in (live(sandbox=True), live(timeout=0), live(apiKey="key")):
        assert refused("paper.bybit", "paper", error)[0] == "extra_config_refused"
    assert "oms.paper.source" in refused("paper.generic", "paper", live())[1]
    check("paper.generic", "paper", {"oms": {"paper": {"source": "walk"}}})
