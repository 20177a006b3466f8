"""Hedge mode, leverage, conditional orders and exits of positions, by unmodified ccxt."""

from typing import Any

import ccxt
import pytest

from kit.exchanges.loopback_process import LoopbackExchange

LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"


@pytest.fixture
def at_60000(venue: LoopbackExchange, bybit: ccxt.bybit) -> ccxt.bybit:
    """Returns a client; both markets are at 60,000."""
    for symbol in (LINEAR, SPOT):
        venue.control("price", symbol=symbol, price="60000")
    return bybit


def conditional(exchange: ccxt.bybit) -> dict[str, dict[str, Any]]:
    """Returns the raw open conditional orders by their type."""
    rows = exchange.fetch_open_orders(LINEAR, params={"trigger": True})
    return {row["info"]["stopOrderType"]: row["info"] for row in rows}


def test_hedge_mode_has_two_legs(venue: LoopbackExchange, at_60000: ccxt.bybit) -> None:
    bybit = at_60000
    bybit.set_position_mode(True, LINEAR)
    with pytest.raises(ccxt.NoChange, match="110025"):
        bybit.set_position_mode(True, LINEAR)
    with pytest.raises(ccxt.BadRequest, match="position idx not match position mode"):
        bybit.create_order(LINEAR, "market", "buy", 0.1)
    bybit.create_order(LINEAR, "market", "buy", 0.3, None, {"hedged": True})
    bybit.create_order(LINEAR, "market", "sell", 0.2, None, {"hedged": True})
    legs = {row["side"]: row for row in bybit.fetch_positions([LINEAR])}
    assert {side: row["contracts"] for side, row in legs.items()} == {"long": 0.3, "short": 0.2}
    assert {row["info"]["positionIdx"] for row in legs.values()} == {1, 2}
    bybit.create_order(LINEAR, "market", "buy", 0.5, None, {"hedged": True, "reduceOnly": True})
    legs = {row["side"]: row for row in bybit.fetch_positions([LINEAR])}
    assert {side: row["contracts"] for side, row in legs.items()} == {"long": 0.3, "short": 0}
    with pytest.raises(ccxt.BaseError, match="110024"):
        bybit.set_position_mode(False, LINEAR)
    assert venue.books()["positions"][0]["leg"] == "long"


def test_another_symbol_keeps_its_mode(at_60000: ccxt.bybit) -> None:
    at_60000.set_position_mode(True, LINEAR)
    at_60000.create_order("ETH/USDT:USDT", "market", "buy", 1)
    [position] = at_60000.fetch_positions()
    assert (position["symbol"], position["hedged"]) == ("ETH/USDT:USDT", False)


def test_leverage(at_60000: ccxt.bybit) -> None:
    at_60000.set_leverage(20, LINEAR)
    with pytest.raises(ccxt.BadRequest, match="110043"):
        at_60000.set_leverage(20, LINEAR)
    with pytest.raises(ccxt.BadRequest, match="110013"):
        at_60000.set_leverage(1000, LINEAR)
    at_60000.create_order(LINEAR, "market", "buy", 1)
    [position] = at_60000.fetch_positions()
    assert (position["leverage"], position["initialMargin"]) == (20, 3000)
    assert at_60000.fetch_balance()["USDT"]["used"] == 3000


def test_a_stop_order_is_triggered_by_its_price(
    venue: LoopbackExchange, at_60000: ccxt.bybit
) -> None:
    params = {"triggerPrice": 61000, "triggerDirection": "ascending"}
    created = at_60000.create_order(LINEAR, "market", "buy", 0.1, None, params)
    [order] = at_60000.fetch_open_orders(LINEAR)
    assert (order["status"], order["triggerPrice"]) == ("open", 61000)
    assert order["info"]["orderStatus"] == "Untriggered"
    assert order["info"]["triggerDirection"] == 1
    assert at_60000.fetch_open_orders(LINEAR, params={"orderFilter": "Order"}) == []
    at_60000.edit_order(created["id"], LINEAR, "market", "buy", None, None, {"triggerPrice": 62000})
    venue.control("price", symbol=LINEAR, price="61500")
    assert at_60000.fetch_positions() == []
    venue.control("price", symbol=LINEAR, price="62000")
    order = at_60000.fetch_order(created["id"], LINEAR, {"acknowledged": True})
    assert (order["status"], order["average"]) == ("closed", 62000)
    created = at_60000.create_order(
        LINEAR,
        "limit",
        "sell",
        0.1,
        59000,
        params | {"triggerPrice": 59000, "triggerDirection": "descending"},
    )
    at_60000.cancel_order(created["id"], LINEAR)
    [row] = [row for row in venue.books()["orders"] if row["order_id"] == created["id"]]
    assert row["state"] == "deactivated"


def test_a_spot_stop_is_canceled_as_a_stop(at_60000: ccxt.bybit) -> None:
    created = at_60000.create_order(SPOT, "limit", "buy", 0.1, 61000, {"triggerPrice": 61000})
    with pytest.raises(ccxt.OrderNotFound):
        at_60000.cancel_order(created["id"], SPOT)
    at_60000.cancel_order(created["id"], SPOT, {"trigger": True})
    assert at_60000.fetch_open_orders(SPOT) == []


@pytest.mark.parametrize(("price", "kind"), [("63000", "TakeProfit"), ("58000", "StopLoss")])
def test_attached_exits_are_orders_without_a_client_id(
    venue: LoopbackExchange, at_60000: ccxt.bybit, price: str, kind: str
) -> None:
    exits = {"takeProfit": {"triggerPrice": 63000}, "stopLoss": {"triggerPrice": 58000}}
    link = {"clientOrderId": "parent"}
    created = at_60000.create_order(LINEAR, "limit", "buy", 0.2, 60000, exits | link)
    waiting = conditional(at_60000)
    assert set(waiting) == {"TakeProfit", "StopLoss"}
    for row in waiting.values():
        assert (row["orderLinkId"], row["reduceOnly"], row["side"]) == ("", True, "Sell")
        assert (row["orderStatus"], row["qty"]) == ("Untriggered", "0.2")
        assert row["createType"] == f"CreateBy{row['stopOrderType']}"
    assert waiting["TakeProfit"]["triggerPrice"] == "63000"
    [position] = at_60000.fetch_positions()
    assert (position["takeProfitPrice"], position["stopLossPrice"]) == (63000, 58000)
    venue.control("price", symbol=LINEAR, price=price)
    assert at_60000.fetch_positions() == []
    assert at_60000.fetch_open_orders(LINEAR) == []
    rows = {row["exit"]: row for row in venue.books()["orders"] if row["exit"]}
    assert {row["parent"] for row in rows.values()} == {created["id"]}
    done = at_60000.fetch_order(waiting[kind]["orderId"], LINEAR, {"acknowledged": True})
    assert done["status"] == "closed"


def test_trading_stops_follow_the_position(venue: LoopbackExchange, at_60000: ccxt.bybit) -> None:
    bybit = at_60000
    market = {"category": "linear", "symbol": "BTCUSDT", "positionIdx": 0}
    with pytest.raises(ccxt.BadRequest, match="zero position"):
        bybit.private_post_v5_position_trading_stop(market | {"stopLoss": "58000"})
    bybit.create_order(LINEAR, "market", "buy", 0.2)
    levels = {"takeProfit": "63000", "stopLoss": "58000", "tpslMode": "Full"}
    bybit.private_post_v5_position_trading_stop(market | levels)
    bybit.create_order(LINEAR, "market", "buy", 0.1)
    assert {row["qty"] for row in conditional(bybit).values()} == {"0.3"}
    bybit.private_post_v5_position_trading_stop(market | {"stopLoss": "57000"})
    assert conditional(bybit)["StopLoss"]["triggerPrice"] == "57000"
    assert len(conditional(bybit)) == 2
    bybit.private_post_v5_position_trading_stop(market | {"takeProfit": "0"})
    assert set(conditional(bybit)) == {"StopLoss"}
    venue.control("price", symbol=LINEAR, price="57000")
    assert (bybit.fetch_positions(), conditional(bybit)) == ([], {})


def test_a_trailing_stop_trails_the_price(venue: LoopbackExchange, at_60000: ccxt.bybit) -> None:
    at_60000.create_order(LINEAR, "market", "buy", 0.2)
    at_60000.create_order(LINEAR, "market", "sell", 0.2, None, {"trailingAmount": "500"})
    [position] = at_60000.fetch_positions()
    assert position["info"]["trailingStop"] == "500"
    venue.control("price", symbol=LINEAR, price="61000")
    venue.control("price", symbol=LINEAR, price="60600")
    assert len(at_60000.fetch_positions()) == 1
    venue.control("price", symbol=LINEAR, price="60500")
    assert at_60000.fetch_positions() == []


def test_oco_on_a_position(venue: LoopbackExchange, at_60000: ccxt.bybit) -> None:
    at_60000.create_order(LINEAR, "market", "sell", 0.2)
    both = {"stopLossPrice": 61000, "takeProfitPrice": 58000}
    at_60000.create_order(LINEAR, "market", "buy", 0.2, None, both)
    assert set(conditional(at_60000)) == {"TakeProfit", "StopLoss"}
    venue.control("price", symbol=LINEAR, price="61000")
    assert (at_60000.fetch_positions(), conditional(at_60000)) == ([], {})
