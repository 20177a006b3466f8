"""Method names: two spellings, calls of the exchange, and refused trading names."""

import copy
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsCcxtExchange
from ccxt_driver.naming import camel_case
from kit.http.stub_transport import ORDER, make_exchange, results

METHODS = [
    *("create_order", "create_orders", "create_limit_order", "create_limit_buy_order"),
    *("create_limit_sell_order", "create_market_order", "create_market_buy_order"),
    *("create_market_sell_order", "edit_order", "cancel_order", "cancel_orders"),
    *("cancel_all_orders", "close_position", "fetch_order", "fetch_open_orders", "fetch_orders"),
    *("fetch_closed_orders", "fetch_canceled_orders", "fetch_my_trades", "fetch_positions"),
    *("fetch_balance", "fetch_ticker", "fetch_order_book", "call_ccxt", "load_has", "describe"),
]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_and_its_camel_case_alias_are_one_function(name: str) -> None:
    assert getattr(OmsCcxtExchange, camel_case(name)) is getattr(OmsCcxtExchange, name)


def test_an_overridden_method_is_overridden_in_both_spellings() -> None:
    class Louder(OmsCcxtExchange):
        def fetch_balance(self, params: Any = None) -> Any:
            return "loud"

    assert Louder(api_key="key", account_id=1).fetchBalance() == "loud"


def test_id_and_type_have_keyword_aliases() -> None:
    exchange, transport = make_exchange(results({"order": ORDER}))
    exchange.createOrder("BTC/USDT", order_type="market", side="buy", amount=1)
    exchange.editOrder(order_id=42, symbol="BTC/USDT", order_type="limit", side="buy", amount=1)
    exchange.cancelOrder(order_id=42)
    payloads = [sent.payload["payload"] for sent in transport.sent]
    assert payloads[0]["order_type"] == "market"
    assert [payload["order_id"] for payload in payloads[1:]] == [42, 42]
    exchange, transport = make_exchange({"items": [ORDER]})
    assert exchange.fetchOrder(order_id="42")["id"] == "42"


def test_any_other_name_is_a_call_on_the_exchange() -> None:
    exchange, transport = make_exchange({"result": [1]})
    assert exchange.fetchOHLCV("BTC/USDT", "1m", None, limit=5) == [1]
    assert transport.only_request.path == "/ccxt/7/fetch_ohlcv"
    assert transport.only_request.payload == {
        "args": ["BTC/USDT", "1m", None],
        "kwargs": {"limit": 5},
    }


def test_call_ccxt_calls_any_method() -> None:
    exchange, transport = make_exchange({"result": 1})
    assert exchange.callCcxt("createOrder", "BTC/USDT", "market", "buy", 1) == 1
    assert transport.only_request.path == "/ccxt/7/create_order"


@pytest.mark.parametrize(
    "name",
    [
        *("create_twap_order", "createTwapOrder", "create_twap_order_ws", "createConvertTrade"),
        *("edit_orders", "editOrdersWs", "cancel_all_orders_after", "cancelOrdersForSymbols"),
        *("close_all_positions", "closeAllPositions", "closePositionWs", "createDepositAddress"),
        *("CreateOrder", "createorder", "create order", "cancel/../../x"),
    ],
)
def test_other_trading_names_are_refused(name: str) -> None:
    exchange, transport = make_exchange({"result": 1})
    with pytest.raises(ccxt.NotSupported):
        getattr(exchange, name)("BTC/USDT")
    assert transport.sent == []


def test_private_names_are_not_calls() -> None:
    exchange, transport = make_exchange({"result": 1})
    for name in ("_secret", "__fspath__", "_repr_html_"):
        assert not hasattr(exchange, name)
    assert copy.copy(exchange).account_id == 7
    assert transport.sent == []


REMOTE = {
    "id": "paper.binance",
    "has": {
        "fetchOHLCV": True,
        "createOrder": False,
        "createTwapOrder": True,
        "cancelAllOrdersAfter": True,
        "createMarketOrder": True,
        "withdraw": None,
    },
    "timeframes": {"1m": "1m"},
    "features": {"spot": {}},
}


def test_has_before_the_first_request() -> None:
    exchange, transport = make_exchange({"result": REMOTE})
    assert len(exchange.has) == 14
    assert set(exchange.has.values()) == {True}
    assert transport.sent == []


def test_load_has_merges_driver_and_exchange() -> None:
    exchange, transport = make_exchange({"result": REMOTE})
    has = exchange.load_has()
    assert has is exchange.has
    assert (has["fetchOHLCV"], has["createOrder"], has["withdraw"]) == (True, True, None)
    assert (has["createTwapOrder"], has["cancelAllOrdersAfter"]) == (False, False)
    assert has["createMarketOrder"] is True
    exchange.load_has()
    assert transport.only_request.path == "/ccxt/7/describe"
    exchange.loadHas(True)
    assert len(transport.sent) == 2


def test_describe_of_the_driver() -> None:
    exchange, _ = make_exchange({"result": REMOTE})
    description = exchange.describe()
    assert (description["id"], description["name"], description["countries"]) == (
        "oms",
        "OMS First Exchange",
        [],
    )
    assert description["has"]["createOrder"] is True
    assert (description["timeframes"], description["features"]) == ({"1m": "1m"}, {"spot": {}})


@pytest.mark.parametrize("remote", [None, "?", {}, {"has": None, "timeframes": None}])
def test_an_exchange_without_a_description(remote: Any) -> None:
    exchange, _ = make_exchange({"result": remote})
    assert exchange.describe()["timeframes"] == {}
    assert exchange.has["createOrder"] is True
