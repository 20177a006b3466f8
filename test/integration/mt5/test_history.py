"""Tickets, orders, deals and positions equal the gateway's own rows, on hedge and netting."""

import time
from collections.abc import Callable
from typing import Any

import pytest

import mt5_driver as mt5
from kit.gateway.metatrader import COIN, MetaTraderGateway
from mt5_driver.tickets import CLOSE_BY_ORDER, NO_ORDER

from .conftest import Connect

DEAL = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "BTCUSD", "type_filling": 1}
STATES = {
    "REJECTED": mt5.ORDER_STATE_REJECTED,
    "FILLED": mt5.ORDER_STATE_FILLED,
    "CANCELED": mt5.ORDER_STATE_CANCELED,
}
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL


def send(**fields: Any) -> Any:
    result = mt5.order_send(DEAL | fields)
    assert result is not None and result.retcode == mt5.TRADE_RETCODE_DONE, result
    return result


def rows(gateway: MetaTraderGateway, account: str, path: str, **query: Any) -> list[Any]:
    query |= {"account_ids": gateway.accounts[account], "cursor": "", "page_size": 500}
    text = "&".join(f"{name}={value}" for name, value in query.items())
    found: list[Any] = gateway.request("GET", f"/oms/{path}?{text}")["items"]
    return found


def test_a_result_s_order_is_the_position_s_ticket(connect: Connect) -> None:
    connect("hedge")
    # Ids of orders and positions differ: one order is refused, so they cannot stay in step.
    assert mt5.order_send(DEAL | {"volume": 10000.0}).retcode == mt5.TRADE_RETCODE_NO_MONEY
    first, second = send(volume=0.02, type=BUY), send(volume=0.03, type=BUY)
    other = send(volume=0.01, type=SELL)
    tickets = [position.ticket for position in mt5.positions_get()]
    assert tickets == [first.order, second.order, other.order]
    (position,) = mt5.positions_get(ticket=second.order)
    assert (position.volume, position.type, position.identifier) == (0.03, BUY, second.order)
    assert mt5.positions_get(ticket=first.order - 1) == ()
    send(volume=0.03, type=SELL, position=second.order)
    assert [each.ticket for each in mt5.positions_get()] == [first.order, other.order]
    assert mt5.Close("BTCUSD") is True
    assert mt5.positions_total() == 0


def test_a_flip_keeps_the_identifier(connect: Connect) -> None:
    gateway = connect("netting")
    first = send(volume=0.02, type=BUY)
    gateway.set_price("netting", "51000")
    flip = send(volume=0.05, type=SELL)
    (position,) = mt5.positions_get(symbol="BTCUSD")
    assert (position.ticket, position.identifier) == (flip.order, first.order)
    assert (position.type, position.volume) == (SELL, 0.03)
    send(volume=0.03, type=BUY)
    deals = mt5.history_deals_get(position=first.order)
    assert [(deal.entry, deal.volume, deal.position_id) for deal in deals] == [
        (mt5.DEAL_ENTRY_IN, 0.02, first.order),
        (mt5.DEAL_ENTRY_INOUT, 0.05, first.order),
        (mt5.DEAL_ENTRY_OUT, 0.03, first.order),
    ]
    assert [deal.profit for deal in deals] == [0.0, 20.0, 0.0]
    orders = mt5.history_orders_get(position=first.order)
    assert [order.ticket for order in orders] == [deal.order for deal in deals]
    assert {order.position_id for order in orders} == {first.order}


def test_a_close_by_on_two_legs_has_their_orders(connect: Connect) -> None:
    connect("hedge")
    long, short = send(volume=0.03, type=BUY), send(volume=0.02, type=SELL)
    request = {"position": long.order, "position_by": short.order}
    closed = mt5.order_send({"action": mt5.TRADE_ACTION_CLOSE_BY, **request})
    assert closed.retcode == mt5.TRADE_RETCODE_DONE
    (order,) = mt5.history_orders_get(ticket=closed.order)
    assert (order.position_id, order.volume_initial) == (long.order, 0.02)
    (left,) = mt5.positions_get()
    assert (left.ticket, left.volume) == (long.order, 0.01)


def test_a_close_by_without_orders_has_one_in_the_history(connect: Connect) -> None:
    connect("virtual")
    since = time.time() - 1
    long = send(symbol=COIN, volume=0.03, type=BUY)
    short = send(symbol=COIN, volume=0.02, type=SELL)
    request = {"position": long.order, "position_by": short.order}
    closed = mt5.order_send({"action": mt5.TRADE_ACTION_CLOSE_BY, **request})
    assert closed.retcode == mt5.TRADE_RETCODE_DONE
    (left,) = mt5.positions_get()
    assert (left.ticket, left.volume) == (long.order, 0.01)
    deals = [
        deal
        for deal in mt5.history_deals_get(since, time.time() + 1)
        if deal.entry == mt5.DEAL_ENTRY_OUT_BY
    ]
    assert [(deal.order, deal.position_id, deal.volume) for deal in deals] == [
        (closed.order, long.order, 0.02),
        (closed.order, short.order, 0.02),
    ]
    assert closed.order > CLOSE_BY_ORDER > NO_ORDER
    in_period = mt5.history_orders_get(since, time.time() + 1)
    order = next(each for each in in_period if each.type == mt5.ORDER_TYPE_CLOSE_BY)
    assert (order.ticket, order.position_id, order.position_by_id) == (
        *(closed.order, long.order, short.order),
    )
    assert order in mt5.history_orders_get(position=long.order)


def test_levels_and_their_reasons(connect: Connect) -> None:
    gateway = connect("hedge")
    opened = send(volume=0.02, type=BUY, sl=49000.0, tp=52000.0)
    (position,) = mt5.positions_get(ticket=opened.order)
    assert (position.sl, position.tp) == (49000.0, 52000.0)
    gateway.set_price("hedge", "48900")
    deadline = time.monotonic() + 10
    while mt5.positions_total():
        assert time.monotonic() < deadline
    last = mt5.history_deals_get(position=opened.order)[-1]
    assert (last.entry, last.reason) == (mt5.DEAL_ENTRY_OUT, mt5.DEAL_REASON_SL)
    (closing,) = mt5.history_orders_get(ticket=last.order)
    assert closing.reason == mt5.ORDER_REASON_SL


@pytest.mark.parametrize("account", ["netting", "hedge"])
def test_history_equals_the_gateway_s_rows(connect: Connect, account: str) -> None:
    gateway = connect(account)
    since = time.time() - 0.001
    _trade(gateway, account)
    until = time.time()
    stored_deals = rows(gateway, account, "deals", since=int(since * 1000))
    deals = mt5.history_deals_get(since, until, group="*")
    legs = [
        row for row in stored_deals if row["leg"] == 0
    ]  # a flip is one deal here, two rows there
    assert len(deals) == mt5.history_deals_total(since, until) >= len(legs) > 4
    by_id = {row["id"]: row for row in stored_deals}
    for deal in deals:
        row = by_id[deal.ticket]
        assert deal.price == float(row["price"])
        assert deal.order in (row["order_id"], CLOSE_BY_ORDER) or row["order_id"] is None
        assert deal.commission == pytest.approx(
            -sum(float(each["fee"] or 0) for each in stored_deals if _is_same(each, row))
        )
        assert deal.volume == pytest.approx(
            sum(float(each["qty"]) for each in stored_deals if _is_same(each, row))
        )
    assert sum(deal.profit for deal in deals) == pytest.approx(
        sum(float(row["pnl"]) for row in stored_deals)
    )
    stored = rows(gateway, account, "orders/history", since=int(since * 1000))
    final = [row for row in stored if row["closed_at"] is not None]
    orders = [each for each in mt5.history_orders_get(since, until) if each.type != 8]
    assert [each.ticket for each in orders] == sorted(row["id"] for row in final)
    for order, row in zip(orders, sorted(final, key=lambda row: int(row["id"])), strict=True):
        assert order.volume_initial == float(row["qty"])
        assert order.state == STATES[row["status"]]
    open_rows = rows(gateway, account, "orders/open")
    assert [order.ticket for order in mt5.orders_get()] == [row["id"] for row in open_rows]
    assert mt5.orders_total() == len(open_rows) == 1
    assert mt5.history_deals_get(since, until, group="*ETH*") == ()


def _is_same(one: Any, other: Any) -> bool:
    names = ("symbol", "exchange_trade_id", "position_id")
    same = [one[name] == other[name] for name in names]
    is_flip = {one["entry"], other["entry"]} == {"in", "out"}
    return all(same[:2]) and (same[2] or is_flip)


def _trade(gateway: MetaTraderGateway, account: str) -> None:
    steps: list[Callable[[], object]] = [
        lambda: send(volume=0.02, type=BUY),
        lambda: gateway.set_price(account, "50500"),
        lambda: send(volume=0.05, type=SELL),
        lambda: mt5.order_send(DEAL | {"volume": 10000.0}),
        lambda: gateway.set_price(account, "50200"),
        lambda: mt5.Close("BTCUSD"),
        lambda: mt5.order_send(DEAL | {"action": 5, "type": 2, "volume": 0.1, "price": 40000.0}),
        lambda: mt5.order_send(DEAL | {"action": 5, "type": 2, "volume": 0.1, "price": 41000.0}),
        lambda: mt5.order_send({"action": 8, "order": mt5.orders_get()[0].ticket}),
        lambda: send(volume=0.01, type=SELL),
        lambda: mt5.Close("BTCUSD"),
    ]
    for step in steps:
        step()


def test_magics_are_strategies(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = connect("hedge")
    opened = send(volume=0.01, type=BUY, magic=234000)
    (strategy,) = [
        row for row in gateway.request("GET", "/strategies")["items"]
        if row["client_strategy_id"] == 234000
    ]  # fmt: skip
    assert strategy["name"] == "MetaTrader magic 234000"
    assert sorted(strategy["account_ids"]) == sorted(gateway.accounts.values())
    assert [position.magic for position in mt5.positions_get()] == [234000]
    # The id of a strategy that has a number is no magic of it: this magic is another strategy.
    other = send(volume=0.01, type=BUY, magic=strategy["strategy_id"])
    assert {position.magic for position in mt5.positions_get()} == {
        *(234000, strategy["strategy_id"]),
    }
    # Another program, or none, may close it.
    closed = send(volume=0.01, type=SELL, magic=99, position=opened.order)
    (deal,) = mt5.history_deals_get(ticket=closed.order)
    assert (deal.magic, deal.position_id) == (234000, opened.order)
    monkeypatch.setenv("OMS_MT5_NEW_MAGIC", "refuse")
    assert mt5.initialize()
    assert send(volume=0.01, type=SELL, magic=234000).order > other.order
    refused = mt5.order_send(DEAL | {"volume": 0.01, "type": BUY, "magic": 777})
    assert (refused.retcode, refused.comment) == (10013, "no strategy has the magic 777")


def test_lots_are_sent_as_exact_quantities(connect: Connect) -> None:
    gateway = connect("walk-hedge")
    result = send(symbol="EURUSD", volume=0.1, type=BUY)
    assert result.volume == 0.1
    order = gateway.request("GET", f"/oms/orders/{result.order}")["items"][0]
    assert (order["symbol"], order["qty"]) == ("XRP/USDT:USDT", "100")
    (position,) = mt5.positions_get(symbol="EURUSD")
    assert (position.volume, position.symbol) == (0.1, "EURUSD")
    (same,) = mt5.positions_get(symbol="XRP/USDT:USDT")
    assert same.ticket == position.ticket
