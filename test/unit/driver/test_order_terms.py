"""Orders of ccxt as orders of the gateway, where no exchange is needed to see the difference."""

from typing import Any

import ccxt
import pytest

from ccxt_driver.capabilities import expand_features
from ccxt_driver.exchange_rules import find_rules, section_markets
from ccxt_driver.markets import MarketRounding
from ccxt_driver.sansio.order_terms import OrderCall, OrderMarket, convert_order, needs_ticker
from kit.http.stub_transport import ORDER, make_exchange, results
from oms.domain.orders.order_types import ORDER_TYPES

SPOT: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "spot": True,
    "precision": {"amount": 0.00001, "price": 0.01},
}
CONTRACT: dict[str, Any] = {
    "symbol": "BTC/USDT:USDT",
    "spot": False,
    "contractSize": 0.01,
    "precision": {"amount": 1, "price": 0.1},
}
#: Types that the gateway's orders have.
REPORTED = sorted(ORDER_TYPES)


def market(structure: dict[str, Any], exchange_id: str = "okx", **more: Any) -> OrderMarket:
    rounding = MarketRounding(market=structure)
    return OrderMarket(market=structure, rounding=rounding, rules=find_rules(exchange_id), **more)


def order(type: str = "limit", amount: Any = 3, price: Any = 100, **params: Any) -> OrderCall:
    return OrderCall(symbol="x", type=type, side="buy", amount=amount, price=price, params=params)


def test_contracts_are_sent_in_base_units() -> None:
    converted = convert_order(order(amount=3.7, price=100.06), market(CONTRACT), None)
    assert (converted.symbol, converted.amount, converted.price) == (
        "BTC/USDT:USDT",
        "0.03",
        "100.1",
    )


@pytest.mark.parametrize(("side", "amount"), [("buy", "0.04950"), ("sell", "0.05")])
def test_a_cost_is_divided_by_the_best_price(side: str, amount: str) -> None:
    call = OrderCall(
        symbol="x", type="market", side=side, amount=1, price=None, params={"cost": 100}
    )
    assert needs_ticker(call, market(SPOT))
    ticker = {"bid": 2000, "ask": 2020, "last": 1}
    assert float(convert_order(call, market(SPOT), ticker).amount) == float(amount)
    with pytest.raises(ccxt.InvalidOrder, match="price"):
        convert_order(call, market(SPOT), {})


@pytest.mark.parametrize("name", ["triggerPrice", "stopPrice"])
def test_a_price_of_a_triggered_market_order_is_refused(name: str) -> None:
    call = order(type="market", **{name: 120})
    with pytest.raises(ccxt.NotSupported, match=r"parameter price .*no cost"):
        convert_order(call, market(SPOT, "bybit"), {"last": 100})


@pytest.mark.parametrize("exchange_id", ["okx", "bybit", "binance"])
def test_a_stop_loss_limit_keeps_its_price(exchange_id: str) -> None:
    call = order(type="stop_loss_limit", price=90, stopLossPrice=95)
    converted = convert_order(call, market(SPOT, exchange_id), None)
    assert (converted.type, converted.price) == ("stop_limit", "90")


@pytest.mark.parametrize(
    ("place", "type"),
    [(SPOT, "STOP"), (SPOT, "stop_market"), (SPOT, "TAKE_PROFIT_MARKET"), (CONTRACT, "STOP_LOSS")],
)
def test_a_type_of_another_market_is_refused(place: Any, type: str) -> None:
    call = order(type=type, price=90, stopPrice=95)
    with pytest.raises(ccxt.InvalidOrder, match="not an order type"):
        convert_order(call, market(place, "binance"), None)
    assert convert_order(call, market(place, "kraken"), None).params["trigger_price"] == "95"


def test_an_edit_moves_the_trigger_price() -> None:
    loaded = (
        {"result": {SPOT["symbol"]: {"id": "BTCUSDT", **SPOT}}},
        {"result": {"id": "binance"}},
    )
    exchange, transport = make_exchange(*loaded, results({"order": ORDER}), dialect="ccxt")
    params = {"triggerPrice": 95.000001}
    exchange.edit_order("42", SPOT["symbol"], "stop_limit", "buy", None, 100, params)
    payload = transport.sent[-1].payload["payload"]
    assert (payload["new_trigger_price"], payload["new_price"]) == ("95", "100")
    assert "new_qty" not in payload
    exchange, transport = make_exchange(results({"order": ORDER}))
    exchange.edit_order("42", None, None, None, None, None, {"stopPrice": 95.5})
    assert transport.sent[-1].payload["payload"]["new_trigger_price"] == "95.5"


@pytest.mark.parametrize(("structure", "own"), [(SPOT, "STOP_LOSS_LIMIT"), (CONTRACT, "STOP")])
def test_an_edit_takes_the_types_that_orders_have(structure: dict[str, Any], own: str) -> None:
    """Those of the driver's order structures, besides the exchange's own."""
    symbol = structure["symbol"]
    loaded = ({"result": {symbol: {"id": "BTCUSDT", **structure}}}, {"result": {"id": "binance"}})
    for type in REPORTED:
        row = {**ORDER, "symbol": symbol, "order_type": type}
        responses = (*loaded, {"items": [row]}, results({"order": row}))
        exchange, transport = make_exchange(*responses, dialect="ccxt")
        exchange.load_markets()
        reported = exchange.fetch_order("42", symbol)["type"]
        exchange.edit_order("42", symbol, reported, "buy", 5, 100)
        assert transport.sent[-1].payload["payload"]["order_type"] == type
    exchange, transport = make_exchange(*loaded, results({"order": ORDER}), dialect="ccxt")
    exchange.edit_order("42", symbol, own, "buy", 5, 100)
    assert transport.sent[-1].payload["payload"]["order_type"] == "stop_limit"
    exchange, transport = make_exchange(*loaded, dialect="ccxt")
    with pytest.raises(ccxt.InvalidOrder, match="not an order type"):
        exchange.edit_order("42", symbol, "iceberg", "buy", 5, 100)


def test_exits_are_attached_where_the_exchange_takes_them() -> None:
    call = order(stopLoss=90.04, takeProfit={"triggerPrice": 110.06, "price": 111})
    converted = convert_order(call, market(CONTRACT, has_attached_exits=True), None)
    assert converted.exchange_params == {
        "stopLoss": {"triggerPrice": "90"},
        "takeProfit": {"triggerPrice": "110.1", "price": "111"},
    }
    assert converted.params == {}
    with pytest.raises(ccxt.NotSupported, match="stopLoss"):
        convert_order(call, market(CONTRACT), None)
    strange = order(stopLoss={"triggerPrice": 90, "trailing": True})
    with pytest.raises(ccxt.NotSupported, match=r"stopLoss\.trailing"):
        convert_order(strange, market(CONTRACT, has_attached_exits=True), None)


def test_a_pair_of_exits_is_for_paper_accounts() -> None:
    call = order(type="market", price=None, stopLossPrice=90, takeProfitPrice=110)
    paper = convert_order(call, market(SPOT, "paper.binance", is_paper=True), None)
    assert paper.params == {"stopLossPrice": "90", "takeProfitPrice": "110"}
    with pytest.raises(ccxt.NotSupported, match="takeProfitPrice"):
        convert_order(call, market(SPOT, "binance"), None)


@pytest.mark.parametrize(
    ("exchange_id", "name", "value"),
    [("binance", "workingType", "MARK_PRICE"), ("bybit", "triggerBy", "MarkPrice")],
)
def test_the_price_of_a_trigger_is_named_as_the_exchange_or_paper_has_it(
    exchange_id: str, name: str, value: str
) -> None:
    call = order(type="market", price=None, stopLossPrice=90, **{name: value})
    native = convert_order(call, market(CONTRACT, exchange_id), None)
    assert native.params[name] == value
    paper = convert_order(call, market(CONTRACT, exchange_id, is_paper=True), None)
    assert paper.params["triggerPriceType"] == "mark" and name not in paper.params


def test_the_position_of_one_way_mode_is_the_only_one_on_paper() -> None:
    call = order(positionIdx=0)
    assert convert_order(call, market(CONTRACT, "bybit"), None).params == {"positionIdx": 0}
    assert convert_order(call, market(CONTRACT, "bybit", is_paper=True), None).params == {}
    hedged = market(CONTRACT, "bybit", is_paper=True, is_hedged=True)
    with pytest.raises(ccxt.NotSupported, match="positionIdx"):
        convert_order(call, hedged, None)


def test_sections_of_an_exchange_have_their_markets_only() -> None:
    markets = {"BTC/USDT": {"spot": True}, "BTC/USDT:USDT": {"linear": True}}
    assert set(section_markets("binanceusdm", markets)) == {"BTC/USDT:USDT"}
    assert section_markets("binance", markets) == markets


def test_features_are_expanded_as_ccxt_does() -> None:
    exchange = ccxt.bybit()
    expanded = expand_features(exchange.describe()["features"])
    for kind, own in (
        (expanded["spot"], exchange.features["spot"]),
        (expanded["swap"]["linear"], exchange.features["swap"]["linear"]),
    ):
        name = "attachedStopLossTakeProfit"
        assert kind["createOrder"][name] == own["createOrder"][name]
        assert kind["fetchOHLCV"]["limit"] == own["fetchOHLCV"]["limit"]
