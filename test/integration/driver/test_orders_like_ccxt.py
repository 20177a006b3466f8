"""The orders that arrive at the exchange are those of ccxt, or the call is refused before."""

from collections.abc import Sequence
from typing import Any

import pytest

from kit.exchanges.ccxt_differential import Runs, Step, Verdict, call, call_on_last

SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
RISING = {"triggerPrice": 70000, "triggerDirection": "ascending"}
BUY = ("limit", "buy", 0.01, 50000)
VENUES = ("binance", "bybit")
Case = tuple[str, Sequence[Step]]


def create(*args: Any) -> Step:
    return call("create_order", *args)


def buy(symbol: str, **params: Any) -> Step:
    return create(symbol, *BUY, params)


def sell(symbol: str, kind: str = "market", price: Any = None, **params: Any) -> Step:
    return create(symbol, kind, "sell", 0.01, price, params)


#: A position that the next calls may close: without one an exchange refuses such an order.
OPENED = create(LINEAR, "market", "buy", 0.02)


EQUAL: dict[str, Sequence[Step]] = {
    "market buy": [create(SPOT, "market", "buy", 0.01)],
    "market buy with a price, by cost": [create(SPOT, "market", "buy", 0.01, 50000)],
    "market order of a contract with a price": [create(LINEAR, "market", "buy", 0.01, 50000)],
    "18 digits": [create(SPOT, "limit", "buy", 0.012345678901234567, 50000.123456789012)],
    "thirds": [create(LINEAR, "limit", "buy", 1 / 3, 50000 / 3)],
    "half a tick, buy": [create(LINEAR, "limit", "buy", 0.01, 50000.05)],
    "below half a tick, sell": [create(LINEAR, "limit", "sell", 0.01, 70000.04)],
    "text of 22 digits": [create(LINEAR, "limit", "buy", "0.0123456789012345678901", "50000.05")],
    "cost": [create(SPOT, "market", "buy", 0.01, None, {"cost": 123.4567})],
    "market buy with cost": [call("create_market_buy_order_with_cost", SPOT, 100)],
    "market order with cost": [call("create_market_order_with_cost", SPOT, "buy", 99.99)],
    "post-only": [buy(SPOT, postOnly=True)],
    "post-only contract": [buy(LINEAR, postOnly=True)],
    "IOC": [buy(LINEAR, timeInForce="IOC")],
    "FOK": [buy(SPOT, timeInForce="FOK")],
    "PO": [buy(LINEAR, timeInForce="PO")],
    "a parameter that the exchange ignores": [buy(SPOT, fromId=1)],
    "stop loss price": [OPENED, sell(LINEAR, stopLossPrice=55000.06)],
    "take profit price": [OPENED, sell(LINEAR, takeProfitPrice=66000.06)],
    "stop loss limit": [OPENED, sell(LINEAR, "limit", 54000.04, stopLossPrice=55000.06)],
    "stop loss price on spot": [sell(SPOT, stopLossPrice=55000.063)],
    "take profit price on spot": [sell(SPOT, "limit", 65000, takeProfitPrice=66000.006)],
    "trigger price on spot": [
        create(SPOT, "market", "buy", 0.01, None, {"triggerPrice": 70000.123})
    ],
    "trigger with direction": [create(LINEAR, "limit", "buy", 0.01, 71000, RISING)],
    "stop loss order": [
        OPENED,
        call("create_stop_loss_order", LINEAR, "market", "sell", 0.01, None, 55000),
    ],
    "take profit order": [
        OPENED,
        call("create_take_profit_order", LINEAR, "limit", "sell", 0.01, 66000, 65000),
    ],
    "reduce-only": [OPENED, sell(LINEAR, reduceOnly=True)],
    "reduce-only limit": [OPENED, sell(LINEAR, "limit", 70000.06, reduceOnly=True)],
    "edit": [buy(SPOT), call_on_last("edit_order", SPOT, "limit", "buy", 0.0234567, 51000.006)],
    "edit a contract": [
        buy(LINEAR),
        call_on_last("edit_order", LINEAR, "limit", "buy", 0.0234567, 51000.06),
    ],
    "cancel": [buy(SPOT), call_on_last("cancel_order", SPOT)],
    "cancel all": [buy(LINEAR), call("cancel_all_orders", LINEAR)],
}


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("name", EQUAL)
def test_the_same_order_arrives(runs: Runs, venue: str, name: str) -> None:
    compared = runs.compare(venue, *EQUAL[name])
    assert compared.verdict is Verdict.EQUAL, compared


@pytest.mark.parametrize("symbol", [SPOT, LINEAR, "BTCUSDT"])
@pytest.mark.parametrize("default_type", [None, "spot", "swap", "future"])
@pytest.mark.parametrize("venue", VENUES)
def test_default_type_chooses_the_market(
    runs: Runs, venue: str, default_type: str | None, symbol: str
) -> None:
    options = {} if default_type is None else {"defaultType": default_type}
    compared = runs.compare(venue, buy(symbol), **options)
    assert compared.verdict is Verdict.EQUAL, compared


@pytest.mark.parametrize("symbol", [SPOT, LINEAR, "BTCUSDT"])
def test_the_class_chooses_the_market(runs: Runs, symbol: str) -> None:
    compared = runs.compare("binanceusdm", create(symbol, "market", "buy", 0.01))
    assert compared.verdict is Verdict.EQUAL, compared
    assert [row["symbol"] for row in compared.driver.orders] == [LINEAR]


ONE_VENUE: dict[str, Case] = {
    "trailing": ("binance", [OPENED, sell(LINEAR, trailingPercent=1, reduceOnly=True)]),
    "quoteOrderQty": ("binance", [create(SPOT, "market", "buy", 1, None, {"quoteOrderQty": 77.7})]),
    "STOP is a limit": (
        "binance",
        [create(LINEAR, "STOP", "sell", 0.01, 54000, {"stopPrice": 55000})],
    ),
    "STOP_MARKET": (
        "binance",
        [create(LINEAR, "STOP_MARKET", "sell", 0.01, None, {"stopPrice": 55000})],
    ),
    "TAKE_PROFIT is a limit": (
        "binance",
        [create(LINEAR, "TAKE_PROFIT", "sell", 0.01, 65000, {"stopPrice": 66000})],
    ),
    "STOP_LOSS_LIMIT": (
        "binance",
        [create(SPOT, "STOP_LOSS_LIMIT", "sell", 0.01, 54000, {"stopPrice": 55000})],
    ),
    "LIMIT_MAKER": ("binance", [create(SPOT, "LIMIT_MAKER", "buy", 0.01, 50000)]),
    "cancel by client id": (
        "binance",
        [
            buy(SPOT, clientOrderId="to-cancel"),
            call("cancel_order", None, SPOT, {"clientOrderId": "to-cancel"}),
        ],
    ),
    "spot trigger above the price": ("bybit", [sell(SPOT, triggerPrice=70000.123)]),
    "attached exits": (
        "bybit",
        [
            buy(
                LINEAR,
                stopLoss={"triggerPrice": 45000.06},
                takeProfit={"triggerPrice": 66000.06, "price": 66100.06},
            )
        ],
    ),
    "attached exit on spot": ("bybit", [buy(SPOT, stopLoss=45000)]),
    "edit the quantity alone": (
        "bybit",
        [buy(LINEAR), call_on_last("edit_order", LINEAR, "limit", "buy", 0.02)],
    ),
}


@pytest.mark.parametrize("name", ONE_VENUE)
def test_orders_of_one_exchange(runs: Runs, name: str) -> None:
    venue, steps = ONE_VENUE[name]
    compared = runs.compare(venue, *steps)
    assert compared.verdict is Verdict.EQUAL, compared


REFUSED: dict[str, tuple[str, Sequence[Step], str]] = {
    "type": ("binance", [buy(SPOT, type="margin")], "type"),
    "marginMode": ("binance", [buy(SPOT, marginMode="cross")], "marginMode"),
    "test": ("binance", [buy(LINEAR, test=True)], "test"),
    "quantity": ("bybit", [buy(LINEAR, qty="5")], "qty"),
    "cost of a limit order": ("binance", [buy(SPOT, quoteOrderQty=100)], "quoteOrderQty"),
    "cost of a contract": (
        "bybit",
        [create(LINEAR, "market", "buy", 0.01, None, {"cost": 100})],
        "cost",
    ),
    "cost where it is unknown": (
        "bybit",
        [create(SPOT, "market", "buy", 0.01, None, {"quoteOrderQty": 100})],
        "quoteOrderQty",
    ),
    "both exits": (
        "binance",
        [sell(LINEAR, stopLossPrice=55000, takeProfitPrice=66000)],
        "takeProfitPrice",
    ),
    "attached exit": ("binance", [buy(LINEAR, stopLoss={"triggerPrice": 45000})], "stopLoss"),
    "trigger without direction": (
        "bybit",
        [create(LINEAR, "market", "buy", 0.01, None, {"triggerPrice": 70000})],
        "triggerDirection",
    ),
    "trailing": ("bybit", [sell(LINEAR, trailingAmount=500)], "trailing"),
    "trailing on spot": ("binance", [sell(SPOT, trailingPercent=1)], "trailing"),
    "parameters of an edit": (
        "binance",
        [
            buy(SPOT),
            call_on_last("edit_order", SPOT, "limit", "buy", 0.02, 51000, {"postOnly": True}),
        ],
        "postOnly",
    ),
    "side of an edit": (
        "bybit",
        [buy(LINEAR), call_on_last("edit_order", LINEAR, "limit", "sell", 0.02, 71000)],
        "side",
    ),
    "type of an edit": (
        "binance",
        [
            sell(SPOT, "limit", 54000, stopLossPrice=55000),
            call_on_last("edit_order", SPOT, "limit", "sell", 0.01, 53000),
        ],
        "order_type",
    ),
    "unknown symbol": ("bybit", [buy("NO/USDT")], "NO/USDT"),
    "no quantity": ("binance", [create(LINEAR, "limit", "buy", 0.0001, 50000)], "amount"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_carried_out_is_refused_by_name(runs: Runs, name: str) -> None:
    venue, steps, word = REFUSED[name]
    compared = runs.compare(venue, *steps)
    assert compared.verdict in (Verdict.REFUSED, Verdict.BOTH_REFUSED), compared
    assert word in str(compared.driver.error)


ONLY_DRIVER: dict[str, Case] = {
    "edit the quantity alone": (
        "binance",
        [buy(LINEAR), call_on_last("edit_order", LINEAR, "limit", "buy", 0.02)],
    ),
    "cancel by client id": (
        "bybit",
        [
            buy(SPOT, clientOrderId="to-cancel-2"),
            call("cancel_order", None, SPOT, {"clientOrderId": "to-cancel-2"}),
        ],
    ),
    "a stop by its type": (
        "bybit",
        [OPENED, create(LINEAR, "stop_market", "sell", 0.01, None, {"stopLossPrice": 55000})],
    ),
}


@pytest.mark.parametrize("name", ONLY_DRIVER)
def test_what_only_the_gateway_can_do(runs: Runs, name: str) -> None:
    venue, steps = ONLY_DRIVER[name]
    compared = runs.compare(venue, *steps)
    assert compared.verdict is Verdict.ONLY_DRIVER, compared
