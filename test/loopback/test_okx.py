"""The OKX dialect, used by unmodified ccxt: passphrase, contracts, batches, algo orders."""

from typing import Any

import ccxt
import pytest

from kit.exchanges.loopback_process import LoopbackExchange

LINEAR = "BTC/USDT:USDT"
ALGO: dict[str, Any] = {"trigger": True}
EXITS = {"takeProfit": {"triggerPrice": 61000}, "stopLoss": {"triggerPrice": 57000}}


def connect(venue: LoopbackExchange, key: str = "loop-a", **changes: Any) -> ccxt.okx:
    """A client in sandbox mode."""
    client = ccxt.okx(venue.config(key, venue="okx") | changes)
    client.set_sandbox_mode(True)
    return client


@pytest.fixture
def okx(venue: LoopbackExchange) -> ccxt.okx:
    venue.control("price", symbol=LINEAR, price="60000")
    return connect(venue)


def test_wrong_credentials_are_refused(venue: LoopbackExchange) -> None:
    for changes, code in (
        ({"password": "other"}, "50105"),
        ({"secret": "other"}, "50113"),
        ({"apiKey": "other"}, "50111"),
    ):
        with pytest.raises(ccxt.AuthenticationError, match=code):
            connect(venue, **changes).fetch_balance()
    with pytest.raises(ccxt.ExchangeError, match="50120"):
        connect(venue, "loop-ro").set_leverage(5, LINEAR)
    venue.control("skew", ms=31_000)
    with pytest.raises(ccxt.InvalidNonce, match="50102"):
        connect(venue).fetch_balance()


def test_contracts_are_of_one_hundredth_of_a_bitcoin(
    okx: ccxt.okx, venue: LoopbackExchange
) -> None:
    okx.create_order(LINEAR, "market", "buy", 2)
    [position] = okx.fetch_positions()
    assert (position["contracts"], position["contractSize"]) == (2, 0.01)
    assert [row["qty"] for row in venue.books()["positions"]] == ["0.02"]
    [trade] = okx.fetch_my_trades(LINEAR)
    assert (trade["amount"], trade["cost"]) == (2, 1200)
    with pytest.raises(ccxt.InvalidOrder, match="51121"):
        okx.private_post_trade_order(
            {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy"}
            | {"ordType": "market", "sz": "0.15"}
        )


def test_orders_of_a_batch_are_refused_by_themselves(okx: ccxt.okx) -> None:
    orders = [
        {"symbol": LINEAR, "type": "limit", "side": "buy", "amount": amount, "price": 50000}
        for amount in (1, 100_000)
    ]
    placed, refused = okx.create_orders(orders)
    assert (placed["status"], refused["status"]) == (None, "rejected")
    assert refused["info"]["sCode"] == "51008"
    assert [row["id"] for row in okx.fetch_open_orders(LINEAR)] == [placed["id"]]


def test_the_order_that_a_trigger_places_names_its_algo_order(
    okx: ccxt.okx, venue: LoopbackExchange
) -> None:
    created = okx.create_order(
        LINEAR, "market", "sell", 1, None, {"triggerPrice": 59000, "clientOrderId": "stop1"}
    )
    [waiting] = okx.fetch_open_orders(LINEAR, params=ALGO)
    assert (waiting["id"], waiting["info"]["algoClOrdId"]) == (created["id"], "stop1")
    assert okx.fetch_open_orders(LINEAR) == []
    venue.control("price", symbol=LINEAR, price="58900")
    met = okx.fetch_order(created["id"], LINEAR, ALGO)["info"]
    assert met["state"] == "effective"
    placed = okx.fetch_order(met["ordId"], LINEAR)["info"]
    assert (placed["algoId"], placed["algoClOrdId"]) == (created["id"], "stop1")
    assert (placed["clOrdId"], placed["state"]) == ("", "filled")
    with pytest.raises(ccxt.OrderNotFound, match="51400"):
        okx.cancel_order(created["id"], LINEAR, ALGO)


def test_attached_exits_are_one_algo_order(okx: ccxt.okx, venue: LoopbackExchange) -> None:
    okx.create_order(LINEAR, "market", "buy", 1, None, EXITS)
    both = ALGO | {"ordType": "conditional,oco"}
    [exits] = okx.fetch_open_orders(LINEAR, params=both)
    assert (exits["takeProfitPrice"], exits["stopLossPrice"]) == (61000, 57000)
    assert (exits["type"], exits["reduceOnly"]) == ("oco", True)
    venue.control("price", symbol=LINEAR, price="61100")
    assert okx.fetch_open_orders(LINEAR, params=both) == []
    [ended] = okx.private_get_trade_orders_algo_history({"ordType": "oco", "state": "effective"})[
        "data"
    ]
    assert (ended["algoId"], ended["actualSide"]) == (exits["id"], "tp")
    assert okx.fetch_positions() == []


def test_a_take_profit_on_the_wrong_side_is_refused(okx: ccxt.okx) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="51280"):
        okx.create_order(LINEAR, "market", "sell", 1, None, {"stopLossPrice": 60500})


def test_a_timer_cancels_what_rests_but_no_stops(okx: ccxt.okx, venue: LoopbackExchange) -> None:
    okx.create_order(LINEAR, "limit", "buy", 1, 50000)
    okx.create_order(LINEAR, "market", "sell", 1, None, {"triggerPrice": 59000})
    started = okx.cancel_all_orders_after(60_000)["data"][0]
    assert int(started["triggerTime"]) - int(started["ts"]) == 60_000
    assert okx.cancel_all_orders_after(0)["data"][0]["triggerTime"] == "0"
    with pytest.raises(ccxt.BadRequest, match="51000"):
        okx.cancel_all_orders_after(5_000)
    venue.control("clock", advance_s=70)
    venue.control("clock", offset_s=0)
    assert len(okx.fetch_open_orders(LINEAR)) == 1
    okx.cancel_all_orders_after(10_000)
    venue.control("clock", advance_s=11)
    venue.control("clock", offset_s=0)
    assert okx.fetch_open_orders(LINEAR) == []
    assert len(okx.fetch_open_orders(LINEAR, params=ALGO)) == 1
