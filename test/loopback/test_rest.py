"""Unmodified ``ccxt.bybit`` trades by REST: spot, and linear contracts in one-way mode."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from kit.exchanges.loopback_process import LoopbackExchange

LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"


def info(order: Any) -> dict[str, Any]:
    """The venue's own words."""
    return dict(order["info"])


def test_markets_and_prices(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    markets = bybit.load_markets()
    assert markets[SPOT]["precision"]["amount"] == 0.00001
    assert markets[LINEAR]["limits"]["cost"]["min"] == 100
    venue.control("book", symbol=LINEAR, bids=[["60000", "1"]], asks=[["60000.1", "2"]])
    book = bybit.fetch_order_book(LINEAR)
    assert (book["bids"], book["asks"]) == ([[60000.0, 1.0]], [[60000.1, 2.0]])
    assert bybit.fetch_ticker(LINEAR)["ask"] == 60000.1
    assert bybit.fetch_ticker(SPOT)["symbol"] == SPOT
    venue.control("print", symbol=LINEAR, price="60000", qty="0.5", side="sell")
    [trade] = bybit.fetch_trades(LINEAR)
    assert (trade["price"], trade["amount"], trade["side"]) == (60000.0, 0.5, "sell")
    assert bybit.fetch_ohlcv(LINEAR)[-1][4] == 60000.0
    assert abs(bybit.fetch_time() - bybit.milliseconds()) < 5000


def test_a_resting_order_is_changed_and_canceled(
    venue: LoopbackExchange, bybit: ccxt.bybit
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    link = {"clientOrderId": "c" * 32}
    created = bybit.create_order(LINEAR, "limit", "buy", 0.01, 50000, link)
    [order] = bybit.fetch_open_orders(LINEAR)
    assert order["id"] == created["id"]
    assert (order["clientOrderId"], order["status"], order["price"]) == ("c" * 32, "open", 50000)
    bybit.edit_order(created["id"], LINEAR, "limit", "buy", 0.02, 51000)
    [order] = bybit.fetch_open_orders(LINEAR, params={"orderLinkId": "c" * 32})
    assert (order["id"], order["amount"], order["price"]) == (created["id"], 0.02, 51000)
    assert bybit.fetch_balance()["USDT"]["used"] > 0
    bybit.cancel_order(created["id"], LINEAR)
    assert bybit.fetch_open_orders(LINEAR) == []
    [order] = bybit.fetch_canceled_orders(LINEAR)
    assert (order["id"], order["status"]) == (created["id"], "canceled")
    assert bybit.fetch_balance()["USDT"]["free"] == 100_000
    with pytest.raises(ccxt.OrderNotFound):
        bybit.cancel_order(created["id"], LINEAR)


def test_a_contract_position_is_opened_and_closed(
    venue: LoopbackExchange, bybit: ccxt.bybit
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    created = bybit.create_order(LINEAR, "market", "buy", 0.5)
    order = bybit.fetch_order(created["id"], LINEAR, {"acknowledged": True})
    assert (order["status"], order["filled"], order["average"]) == ("closed", 0.5, 60000)
    [trade] = bybit.fetch_my_trades(LINEAR)
    assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (created["id"], 0.5, "taker")
    assert trade["fee"]["cost"] == 60000 * 0.5 * 0.00055
    venue.control("price", symbol=LINEAR, price="61000")
    [position] = bybit.fetch_positions([LINEAR])
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.5, 60000)
    assert (position["unrealizedPnl"], position["hedged"]) == (500, False)
    bybit.create_order(LINEAR, "limit", "sell", 0.5, 61000, {"reduceOnly": True})
    [flat] = bybit.fetch_positions([LINEAR])
    assert (flat["contracts"], flat["side"]) == (0, None)
    assert bybit.fetch_positions() == []
    paid = Decimal("16.5") + Decimal("16.775")
    assert venue.books()["balances"]["USDT"]["total"] == str(Decimal(100_500) - paid)


def test_spot_is_bought_by_quantity_and_by_cost(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    venue.control("price", symbol=SPOT, price="50000")
    bybit.create_order(SPOT, "market", "buy", 0.1)
    created = bybit.create_market_buy_order_with_cost(SPOT, 500)
    order = bybit.fetch_order(created["id"], SPOT, {"acknowledged": True})
    assert (order["symbol"], order["filled"], order["cost"]) == (SPOT, 0.01, 500)
    assert "tpslMode" not in info(order)
    assert bybit.fetch_balance()["BTC"]["total"] == 0.11 * 0.999
    trades = bybit.fetch_my_trades(SPOT)
    assert {trade["fee"]["currency"] for trade in trades} == {"BTC"}
    with pytest.raises(ccxt.InsufficientFunds):
        bybit.create_order(SPOT, "limit", "sell", 1, 60000)
    created = bybit.create_order(SPOT, "limit", "sell", 0.1, 60000)
    assert bybit.fetch_balance()["BTC"]["used"] == 0.1
    bybit.cancel_all_orders(SPOT)
    assert created["id"] not in [order["id"] for order in bybit.fetch_closed_orders(SPOT)]
    assert [order["id"] for order in bybit.fetch_canceled_orders(SPOT)] == [created["id"]]


def test_time_in_force(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    venue.control("book", symbol=LINEAR, bids=[["59999", "1"]], asks=[["60000", "0.3"]])

    def state(params: dict[str, Any]) -> tuple[str, float]:
        created = bybit.create_order(LINEAR, "limit", "buy", 0.5, 60000, params)
        order = bybit.fetch_order(created["id"], LINEAR, {"acknowledged": True})
        return info(order)["orderStatus"], order["filled"]

    assert state({"postOnly": True}) == ("Cancelled", 0)
    assert state({"timeInForce": "FOK"}) == ("Cancelled", 0)
    assert state({"timeInForce": "IOC"}) == ("Cancelled", 0.3)


@pytest.mark.parametrize(
    ("symbol", "order", "error", "code"),
    [
        (LINEAR, ("limit", "buy", 100, 60000), ccxt.InsufficientFunds, 110007),
        (SPOT, ("limit", "buy", 100, 60000), ccxt.InsufficientFunds, 170131),
        (LINEAR, ("limit", "buy", 0.001, 60000), ccxt.InvalidOrder, 110094),
        (SPOT, ("limit", "buy", 0.00005, 60000), ccxt.InvalidOrder, 170140),
    ],
)
def test_error_codes_of_the_venue(
    bybit: ccxt.bybit, symbol: str, order: Any, error: type[Exception], code: int
) -> None:
    with pytest.raises(error) as caught:
        bybit.create_order(symbol, *order)
    assert f'"retCode":{code},' in str(caught.value)


def test_invalid_orders_are_rejected(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    invalid: list[tuple[dict[str, Any], int]] = [
        ({"reduceOnly": True}, 110017),
        ({"positionIdx": 1}, 10001),
        ({"triggerPrice": 59000, "triggerDirection": "ascending"}, 110092),
        ({"triggerPrice": 61000, "triggerDirection": "descending"}, 110093),
    ]
    for params, code in invalid:
        with pytest.raises(ccxt.BaseError) as caught:
            bybit.create_order(LINEAR, "limit", "sell", 0.1, 61000, params)
        assert f'"retCode":{code},' in str(caught.value)
    for symbol, code in ((LINEAR, 110072), (SPOT, 170141)):
        twice = {"clientOrderId": "again"}
        created = bybit.create_order(symbol, "limit", "buy", 0.1, 40000, twice)
        bybit.cancel_order(created["id"], symbol)
        with pytest.raises(ccxt.InvalidOrder) as caught:
            bybit.create_order(symbol, "limit", "buy", 0.1, 40000, twice)
        assert f'"retCode":{code},' in str(caught.value)


def test_authentication(venue: LoopbackExchange) -> None:
    def client(**config: Any) -> ccxt.bybit:
        exchange = ccxt.bybit(venue.config() | config)
        exchange.set_sandbox_mode(True)
        return exchange

    with pytest.raises(ccxt.AuthenticationError, match="10003"):
        client(apiKey="unknown").fetch_balance()
    with pytest.raises(ccxt.AuthenticationError, match="10004"):
        client(secret="wrong").fetch_balance()
    reader = ccxt.bybit(venue.config("loop-ro"))
    reader.set_sandbox_mode(True)
    assert reader.fetch_balance()["USDT"]["free"] == 100_000
    with pytest.raises(ccxt.PermissionDenied, match="10005"):
        reader.create_order(LINEAR, "limit", "buy", 0.01, 50000)
    late = client()
    late.load_markets()
    venue.control("skew", ms=20_000)
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        late.fetch_balance()
    late.load_time_difference()
    assert late.fetch_balance()["USDT"]["free"] == 100_000


def test_accounts_are_separate(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    other = ccxt.bybit(venue.config("loop-b"))
    other.set_sandbox_mode(True)
    bybit.create_order(LINEAR, "limit", "buy", 0.01, 50000)
    assert other.fetch_open_orders(LINEAR) == []
    assert len(bybit.fetch_open_orders(LINEAR)) == 1


def test_pagination_and_time_windows(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    for _ in range(7):
        bybit.create_order(LINEAR, "market", "buy", 0.01)
    trade_ids: list[str] = []
    params: dict[str, Any] = {}
    while True:
        page = bybit.fetch_my_trades(LINEAR, None, 3, params)
        trade_ids += [trade["id"] for trade in page]
        newest = next((info(trade) for trade in page if "nextPageCursor" in info(trade)), None)
        if newest is None:
            break
        params = {"cursor": newest["nextPageCursor"]}
    assert len(trade_ids) == len(set(trade_ids)) == 7
    with pytest.raises(ccxt.BadRequest, match="7 days"):
        bybit.fetch_my_trades(LINEAR, 1, 3, {"endTime": 8 * 86_400_000})
