"""Unmodified ``ccxt.binance`` trades by URL: spot and linear contracts of one account."""

import random
from typing import Any

import ccxt
import pytest

from kit.exchanges.loopback_process import LoopbackExchange

LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"


@pytest.fixture
def binance(venue: LoopbackExchange) -> ccxt.binance:
    """Returns a client; both markets are at 60,000."""
    exchange = ccxt.binance(venue.config(venue="binance"))
    exchange.set_sandbox_mode(True)
    for symbol in (LINEAR, SPOT):
        venue.control("price", symbol=symbol, price="60000")
    return exchange


def test_markets_and_prices(venue: LoopbackExchange, binance: ccxt.binance) -> None:
    markets = binance.load_markets()
    assert markets[SPOT]["precision"]["amount"] == 0.00001
    assert markets[LINEAR]["limits"]["cost"]["min"] == 100
    for symbol in (SPOT, LINEAR):
        assert binance.fetch_order_book(symbol)["bids"][0][0] == 60000
        venue.control("print", symbol=symbol, price="60000", qty="0.5", side="sell")
        assert binance.fetch_trades(symbol)[-1]["side"] == "sell"
        assert binance.fetch_ticker(symbol)["symbol"] == symbol
        assert binance.fetch_ohlcv(symbol)[-1][4] == 60000
    assert abs(binance.fetch_time() - binance.milliseconds()) < 5000


def test_funding_rates_are_the_last_ones_or_those_from_a_start(binance: ccxt.binance) -> None:
    recent = [row["timestamp"] for row in binance.fetch_funding_rate_history(LINEAR, limit=3)]
    assert recent == [recent[-1] - hours * 3_600_000 for hours in (16, 8, 0)]
    assert 0 <= binance.milliseconds() - recent[-1] < 8 * 3_600_000
    first = recent[0] - 80 * 3_600_000
    rows = binance.fetch_funding_rate_history(LINEAR, since=first, limit=2)
    assert [row["timestamp"] for row in rows] == [first, first + 8 * 3_600_000]


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_a_resting_order_is_found_and_canceled(binance: ccxt.binance, symbol: str) -> None:
    link = {"clientOrderId": "c" * 32}
    created = binance.create_order(symbol, "limit", "buy", 0.01, 50000, link)
    assert (created["status"], created["clientOrderId"]) == ("open", "c" * 32)
    [order] = binance.fetch_open_orders(symbol)
    assert (order["id"], order["price"]) == (created["id"], 50000)
    by_client_id = binance.fetch_order(None, symbol, {"origClientOrderId": "c" * 32})
    assert by_client_id["id"] == created["id"]
    with pytest.raises(ccxt.ExchangeError, match=r"[Dd]uplicate"):
        binance.create_order(symbol, "limit", "buy", 0.01, 50000, link)
    assert binance.cancel_order(created["id"], symbol)["status"] == "canceled"
    assert binance.fetch_open_orders(symbol) == []
    with pytest.raises(ccxt.OrderNotFound):
        binance.cancel_order(created["id"], symbol)
    again = binance.create_order(symbol, "limit", "buy", 0.01, 50000, link)
    assert binance.fetch_order(None, symbol, {"origClientOrderId": "c" * 32})["id"] == again["id"]
    binance.cancel_all_orders(symbol)
    assert [row["status"] for row in binance.fetch_orders(symbol)] == ["canceled", "canceled"]


def test_spot_is_bought_and_sold(venue: LoopbackExchange, binance: ccxt.binance) -> None:
    created = binance.create_order(SPOT, "market", "buy", 0.1)
    assert (created["status"], created["average"], len(created["trades"])) == ("closed", 60000, 1)
    [trade] = binance.fetch_my_trades(SPOT)
    assert (trade["order"], trade["fee"]["currency"]) == (created["id"], "BTC")
    assert binance.fetch_balance()["BTC"]["total"] == 0.0999
    created = binance.create_market_buy_order_with_cost(SPOT, 600)
    assert created["filled"] == 0.01
    with pytest.raises(ccxt.InsufficientFunds):
        binance.create_order(SPOT, "limit", "sell", 1, 61000)
    assert binance.create_order(SPOT, "market", "sell", 0.1)["status"] == "closed"
    assert len(venue.books()["trades"]) == 3


def test_a_spot_order_is_replaced(venue: LoopbackExchange, binance: ccxt.binance) -> None:
    created = binance.create_order(SPOT, "limit", "buy", 0.01, 50000)
    replaced = {"cancelOrderId": created["id"], "cancelReplaceMode": "STOP_ON_FAILURE"}
    other = binance.edit_order(created["id"], SPOT, "limit", "buy", 0.02, 51000, replaced)
    assert other["id"] != created["id"]
    [order] = binance.fetch_open_orders(SPOT)
    assert (order["id"], order["amount"]) == (other["id"], 0.02)
    with pytest.raises(ccxt.BaseError):
        binance.edit_order(created["id"], SPOT, "limit", "buy", 0.03, 51000, replaced)
    assert len(binance.fetch_open_orders(SPOT)) == 1


def test_a_contract_position_is_opened_changed_and_closed(
    venue: LoopbackExchange, binance: ccxt.binance
) -> None:
    binance.set_leverage(20, LINEAR)
    created = binance.create_order(LINEAR, "limit", "buy", 0.5, 50000)
    binance.edit_order(created["id"], LINEAR, "limit", "buy", 0.4, 60000)
    order = binance.fetch_order(created["id"], LINEAR)
    assert (order["status"], order["filled"], order["average"]) == ("closed", 0.4, 60000)
    [position] = binance.fetch_positions([LINEAR])
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.4, 60000)
    [trade] = binance.fetch_my_trades(LINEAR)
    assert (trade["takerOrMaker"], trade["fee"]["currency"]) == ("taker", "USDT")
    binance.create_order(LINEAR, "market", "sell", 0.9, None, {"reduceOnly": True})
    assert binance.fetch_positions([LINEAR]) == []
    wallet = binance.fetch_balance({"type": "future"})["USDT"]
    assert str(wallet["total"]) == venue.books()["balances"]["USDT"]["total"]


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
def test_lists_without_a_start_have_the_newest_rows(binance: ccxt.binance, symbol: str) -> None:
    first, last = (binance.create_order(symbol, "market", "buy", 0.01) for _ in range(2))
    for method in (binance.fetch_orders, binance.fetch_my_trades):
        (newest,) = method(symbol, None, 1)
        assert newest.get("order", newest["id"]) == last["id"]
        (oldest,) = method(symbol, first["timestamp"], 1)
        assert oldest.get("order", oldest["id"]) == first["id"]


def test_a_conditional_order_is_an_algo_order(
    venue: LoopbackExchange, binance: ccxt.binance
) -> None:
    params = {"triggerPrice": 61000, "clientOrderId": "waits"}
    created = binance.create_order(LINEAR, "market", "buy", 0.1, None, params)
    assert binance.fetch_open_orders(LINEAR) == []
    [order] = binance.fetch_open_orders(LINEAR, params={"trigger": True})
    assert (order["id"], order["clientOrderId"], order["triggerPrice"]) == (
        *(created["id"], "waits"),
        61000,
    )
    with pytest.raises(ccxt.ExchangeError, match="-2021"):  # bare: ccxt's table goes by the URL
        binance.create_order(LINEAR, "market", "buy", 0.1, None, {"triggerPrice": 59000})
    venue.control("price", symbol=LINEAR, price="61000")
    assert binance.fetch_open_orders(LINEAR, params={"trigger": True}) == []
    assert binance.fetch_positions([LINEAR])[0]["contracts"] == 0.1
    created = binance.create_order(LINEAR, "market", "sell", 0.1, None, {"stopLossPrice": 60000})
    binance.cancel_order(created["id"], LINEAR, {"trigger": True})
    assert binance.fetch_open_orders(LINEAR, params={"trigger": True}) == []


def test_hedge_mode_applies_to_the_whole_account(binance: ccxt.binance) -> None:
    binance.load_markets()
    binance.set_position_mode(True, LINEAR)
    with pytest.raises(ccxt.ExchangeError, match="No need to change"):
        binance.set_position_mode(True, LINEAR)
    with pytest.raises(ccxt.ExchangeError, match="position side"):
        binance.create_order(LINEAR, "market", "buy", 0.1)
    hedged = {"hedged": True}
    binance.create_order(LINEAR, "market", "buy", 0.3, None, hedged)
    binance.create_order(LINEAR, "market", "sell", 0.2, None, hedged)
    sides = {row["side"]: row["contracts"] for row in binance.fetch_positions([LINEAR])}
    assert sides == {"long": 0.3, "short": 0.2}
    binance.create_order(LINEAR, "market", "buy", 0.2, None, hedged | {"reduceOnly": True})
    assert [row["side"] for row in binance.fetch_positions([LINEAR])] == ["long"]


@pytest.mark.parametrize(
    ("symbol", "order", "code"),
    [
        (SPOT, ("limit", "buy", 100, 60000, {}), -2010),
        (LINEAR, ("limit", "buy", 100, 60000, {}), -2019),
        (LINEAR, ("limit", "buy", 0.001, 60000, {}), -4164),
        (SPOT, ("limit", "buy", 0.00005, 60000, {}), -1013),
        (SPOT, ("limit", "buy", 0.1, 61000, {"postOnly": True}), -2010),
        (LINEAR, ("limit", "buy", 0.1, 61000, {"postOnly": True}), -5022),
        (LINEAR, ("limit", "sell", 0.1, 61000, {"reduceOnly": True}), -2022),
    ],
)
def test_error_codes_of_the_venue(
    venue: LoopbackExchange, binance: ccxt.binance, symbol: str, order: Any, code: int
) -> None:
    binance.load_markets()
    with pytest.raises(ccxt.BaseError):
        binance.create_order(symbol, *order)
    assert f'"code": {code},' in binance.last_http_response
    assert venue.books()["orders"] == []


def test_authentication(venue: LoopbackExchange, binance: ccxt.binance) -> None:
    for invalid, code in (({"apiKey": "unknown"}, -2015), ({"secret": "wrong"}, -1022)):
        exchange = ccxt.binance(venue.config(venue="binance") | invalid)
        exchange.set_sandbox_mode(True)
        with pytest.raises(ccxt.AuthenticationError):
            exchange.fetch_balance()
        assert str(code) in exchange.last_http_response
    venue.control("skew", ms=20_000)
    with pytest.raises(ccxt.InvalidNonce):
        binance.fetch_balance()
    venue.control("clear")
    venue.control("limit", per_second=0)
    with pytest.raises(ccxt.DDoSProtection):
        binance.fetch_balance()


def test_both_dialects_see_the_same_account(
    venue: LoopbackExchange, binance: ccxt.binance, bybit: ccxt.bybit
) -> None:
    binance.create_order(LINEAR, "market", "buy", 0.1)
    assert bybit.fetch_positions()[0]["contracts"] == 0.1
    venue.control("fault", match="/fapi/v1/order", mode="accept_then_close")
    with pytest.raises(ccxt.NetworkError):
        binance.create_order(LINEAR, "market", "buy", 0.1, None, {"clientOrderId": "lost"})
    assert binance.fetch_order(None, LINEAR, {"origClientOrderId": "lost"})["status"] == "closed"


@pytest.mark.parametrize("seed", [1, 2])
def test_rest_data_equals_the_books(
    venue: LoopbackExchange, binance: ccxt.binance, seed: int
) -> None:
    rng = random.Random(seed)
    venue.control("deposit", currency="BTC", amount="5")
    binance.load_markets()
    for number in range(80):
        symbol, side = rng.choice((SPOT, LINEAR)), rng.choice(("buy", "sell"))
        kind, price = rng.choice(("limit", "market")), 60_000 + rng.randrange(-2000, 2000)
        params: dict[str, Any] = {"clientOrderId": f"order-{number}"}
        if rng.random() < 0.2:
            params[rng.choice(("stopLossPrice", "takeProfitPrice"))] = price
        elif kind == "limit" and rng.random() < 0.3:
            params["timeInForce"] = rng.choice(("IOC", "FOK"))
        try:
            created = binance.create_order(symbol, kind, side, 0.05, price, params)
            if rng.random() < 0.2 and len(params) == 1:
                binance.cancel_order(created["id"], symbol)
        except ccxt.ExchangeError:
            pass
        if rng.random() < 0.3:
            at = str(60_000 + rng.randrange(-2000, 2000))
            for each in (SPOT, LINEAR):
                venue.control("price", symbol=each, price=at)
    books = venue.books()
    trades = [trade for symbol in (SPOT, LINEAR) for trade in binance.fetch_my_trades(symbol)]
    read = sorted((row["info"]["qty"], row["info"]["price"], row["fee"]["cost"]) for row in trades)
    assert read == sorted((row["qty"], row["price"], float(row["fee"])) for row in books["trades"])
    assert len({trade["id"] for trade in trades}) == len(trades) > 20
    waiting = binance.fetch_open_orders(LINEAR, params={"trigger": True})
    orders = [order for symbol in (SPOT, LINEAR) for order in binance.fetch_orders(symbol)]
    filled = {row["clientOrderId"]: row["filled"] for row in orders + waiting}
    assert filled == {
        row["client_id"]: float(row["filled"])
        for row in books["orders"]
        if row["client_id"] in filled or row["state"] != "deactivated"
    }
