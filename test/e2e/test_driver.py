"""The ccxt driver against a real gateway: trading, reading back, refusals."""

from collections.abc import Iterator

import ccxt
import pytest

from ccxt_driver import OmsCcxtExchange
from kit.gateway.processes import Gateway

SYMBOL = "BTC/USDT"
LINEAR = "BTC/USDT:USDT"


def _exchange(gateway: Gateway, account_id: int) -> Iterator[OmsCcxtExchange]:
    made = OmsCcxtExchange(
        api_key=gateway.api_key, account_id=account_id, base_url=gateway.base_url
    )
    yield made
    made.close()


@pytest.fixture
def exchange(gateway: Gateway) -> Iterator[OmsCcxtExchange]:
    yield from _exchange(gateway, gateway.account_id)


@pytest.fixture
def netting(gateway: Gateway) -> Iterator[OmsCcxtExchange]:
    yield from _exchange(gateway, gateway.netting_account_id)


def test_a_market_order_is_filled_and_makes_a_deal_and_a_position(
    exchange: OmsCcxtExchange,
) -> None:
    order = exchange.create_order(SYMBOL, "market", "buy", 0.01)
    assert (order["status"], order["amount"], order["filled"]) == ("closed", 0.01, 0.01)
    assert order["average"] > 0
    assert order["clientOrderId"] == order["info"]["results"][0]["client_order_id"]
    assert {trade["order"] for trade in order["trades"]} == {order["id"]}

    read = exchange.fetch_order(order["id"])
    same = ("id", "clientOrderId", "status", "filled", "average", "timestamp", "fee")
    assert {key: read[key] for key in same} == {key: order[key] for key in same}
    assert order["id"] in [one["id"] for one in exchange.fetch_closed_orders(SYMBOL)]
    trades = [one for one in exchange.fetch_my_trades(SYMBOL) if one["order"] == order["id"]]
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.01)
    position_id = str(trades[0]["info"]["position_id"])
    (position,) = [one for one in exchange.fetch_positions([SYMBOL]) if one["id"] == position_id]
    assert (position["side"], position["contracts"] > 0) == ("buy", True)

    closed = exchange.close_position(SYMBOL, None, {"position_id": position_id})
    assert (closed["status"], closed["side"]) == ("closed", "sell")
    assert position_id not in [one["id"] for one in exchange.fetch_positions()]
    past = exchange.fetch_positions(None, {"history": True, "sort": "desc"})
    assert position_id in [one["id"] for one in past]


def test_a_resting_order_is_edited_and_canceled(netting: OmsCcxtExchange) -> None:
    order = netting.create_limit_buy_order(LINEAR, 0.01, 20000)
    assert (order["status"], order["price"]) == ("open", 20000)
    edited = netting.edit_order(order["id"], LINEAR, "limit", "buy", 0.02, 21000)
    edited_fields = (edited["id"], edited["amount"], edited["price"])
    assert edited_fields == (order["id"], 0.02, 21000)
    assert order["id"] in [one["id"] for one in netting.fetch_open_orders(LINEAR)]
    canceled = netting.cancel_order(order["id"], LINEAR)
    assert (canceled["id"], canceled["status"]) == (order["id"], "canceled")
    assert order["id"] not in [one["id"] for one in netting.fetch_open_orders()]
    assert order["id"] in [one["id"] for one in netting.fetch_canceled_orders(LINEAR)]
    with pytest.raises(ccxt.InvalidOrder) as caught:
        netting.cancel_order(order["id"])
    assert caught.value.code == "invalid_order_state"  # type: ignore[attr-defined]
    assert caught.value.order_id == order["id"]  # type: ignore[attr-defined]


def test_several_orders_in_one_request(netting: OmsCcxtExchange) -> None:
    order = {"symbol": LINEAR, "type": "limit", "side": "buy", "amount": 0.01, "price": 20000}
    first, refused, second = netting.create_orders([order, {**order, "amount": 0.0001}, order])
    statuses = [order["status"] for order in (first, refused, second)]
    assert statuses == ["open", "rejected", "open"]
    canceled = netting.cancel_orders([second["id"], first["id"]])
    assert [order["id"] for order in canceled] == [second["id"], first["id"]]
    assert {order["status"] for order in canceled} == {"canceled"}


def test_market_data_of_the_exchange(exchange: OmsCcxtExchange) -> None:
    assert exchange.fetch_ticker(SYMBOL)["last"] > 0
    book = exchange.fetchOrderBook(SYMBOL, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert exchange.fetch_balance()["USDT"]["total"] > 0
    assert SYMBOL in exchange.load_markets()
    assert exchange.describe()["has"]["createOrder"] is True


def test_numbers_as_text(exchange: OmsCcxtExchange) -> None:
    exchange.number = str
    order = exchange.create_market_buy_order(SYMBOL, "0.01")
    assert (order["amount"], order["remaining"]) == ("0.01", "0")
    exchange.close_position(params={"position_id": order["trades"][0]["info"]["position_id"]})


def test_refusals_are_exceptions_of_ccxt(gateway: Gateway, exchange: OmsCcxtExchange) -> None:
    with pytest.raises(ccxt.InvalidOrder) as caught:
        exchange.create_market_buy_order("NOPE/USDT", 1)
    assert caught.value.code == "instrument_not_supported"  # type: ignore[attr-defined]
    assert isinstance(caught.value, RuntimeError)
    with pytest.raises(ccxt.InsufficientFunds) as caught:
        exchange.create_limit_buy_order(SYMBOL, 900, 20000)
    assert caught.value.outcome == "rejected"  # type: ignore[attr-defined]
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(2**50)
    assert exchange.fetch_order(2**50) is None
    with pytest.raises(ccxt.PermissionDenied):
        exchange.withdraw("BTC", 1, "somewhere")
    foreign = OmsCcxtExchange(
        api_key="oms_this_key_is_not_known_here", account_id=1, base_url=gateway.base_url
    )
    with pytest.raises(ccxt.AuthenticationError):
        foreign.create_market_buy_order(SYMBOL, 0.01)
    with pytest.raises(ccxt.AuthenticationError):
        foreign.fetch_open_orders()
    foreign.close()
