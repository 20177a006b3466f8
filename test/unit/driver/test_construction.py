"""Construction of exchange objects, which sends nothing."""

from typing import Any

import pytest

from ccxt_driver import OmsCcxtExchange
from kit.http.stub_transport import API_KEY, make_exchange


def test_keywords_and_their_defaults() -> None:
    exchange = OmsCcxtExchange(api_key=API_KEY, account_id=7)
    assert (exchange.account_id, exchange.strategy_id) == (7, 0)
    assert exchange.base_url == "http://127.0.0.1:8000"
    assert exchange.timeout_seconds == 30
    assert exchange.dialect == "oms"
    assert exchange.id == "oms"
    assert API_KEY not in repr(exchange) + repr(exchange.http)


def test_a_positional_ccxt_config_selects_the_dialect() -> None:
    exchange = OmsCcxtExchange(
        {
            "apiKey": API_KEY,
            "accountId": "7",
            "strategyId": "3",
            "baseUrl": "http://127.0.0.1:9000/",
            "timeout": 5000,
            "enableRateLimit": True,
            "options": {"defaultType": "swap"},
        }
    )
    assert (exchange.account_id, exchange.strategy_id) == (7, 3)
    assert exchange.base_url == "http://127.0.0.1:9000"
    assert exchange.timeout_seconds == 5
    assert exchange.dialect == "ccxt"
    assert exchange.options == {"defaultType": "swap"}


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({"timeout": 1000}, 1),
        ({"timeout": 999}, 999),
        ({"timeout": 20}, 20),
        ({"timeout": 5000, "timeout_seconds": 8}, 8),
        ({}, 30),
    ],
)
def test_a_timeout_from_1000_is_in_milliseconds(config: dict[str, Any], seconds: float) -> None:
    exchange = OmsCcxtExchange({"api_key": API_KEY, "account_id": 7, **config})
    assert exchange.timeout_seconds == seconds


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"uid": "7", "password": "3"}, (7, 3)),
        ({"options": {"oms": {"account_id": 7, "strategyId": 3}}}, (7, 3)),
        ({"uid": "8", "options": {"oms": {"accountId": 7}}}, (7, 0)),
        ({"uid": "8", "accountId": 7, "password": "a passphrase"}, (7, 0)),
    ],
)
def test_account_and_strategy_in_keys_of_ccxt(
    config: dict[str, Any], expected: tuple[int, int]
) -> None:
    exchange = OmsCcxtExchange({"apiKey": API_KEY, **config})
    assert (exchange.account_id, exchange.strategy_id) == expected


def test_keywords_override_the_config() -> None:
    config = {"api_key": API_KEY, "account_id": 7}
    exchange = OmsCcxtExchange(config, account_id=8, dialect="oms")
    assert (exchange.account_id, exchange.dialect) == (8, "oms")


@pytest.mark.parametrize("config", [{"api_key": API_KEY}, {"account_id": 7}, {}])
def test_key_and_account_are_required(config: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="is needed"):
        OmsCcxtExchange(**config)
    with pytest.raises(RuntimeError, match="is needed"):
        OmsCcxtExchange(config)


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match="dialect"):
        OmsCcxtExchange(api_key=API_KEY, account_id=7, dialect="klingon")


def test_nothing_is_sent_before_the_first_call() -> None:
    exchange, transport = make_exchange({})
    assert exchange.has["createOrder"] is True
    exchange.close()
    assert transport.sent == []


def test_any_object_with_request_is_a_client() -> None:
    class Client:
        call: tuple[Any, ...] = ()

        def request(self, *args: Any, **keywords: Any) -> dict[str, Any]:
            self.call = (*args, keywords)
            return {"result": 5}

    client = Client()
    exchange = OmsCcxtExchange(api_key=API_KEY, account_id=7)
    exchange.http = client
    assert exchange.fetch_ticker("BTC/USDT") == 5
    payload = {"args": ["BTC/USDT"], "kwargs": {}}
    expected = ("POST", "/ccxt/7/fetch_ticker", {"query": None, "payload": payload})
    assert client.call == expected
    exchange.close()
