"""Unmodified ``ccxt.pro.bybit`` receives updates, changed by stream faults."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import ccxt.pro
import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from kit.polling import poll_until

LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"
SECONDS_MAX = 10


@pytest.fixture
async def pro(venue: LoopbackExchange) -> AsyncIterator[Any]:
    """Yields a client with streams that returns each update separately."""
    exchange = ccxt.pro.bybit(venue.config() | {"newUpdates": True})
    exchange.set_sandbox_mode(True)
    yield exchange
    await exchange.close()


async def first(coroutine: Any) -> Any:
    """Awaits the next update, with a deadline."""
    return await asyncio.wait_for(coroutine, SECONDS_MAX)


async def start_watching_orders(pro: Any, venue: LoopbackExchange) -> asyncio.Task[Any]:
    """Returns a task that watches orders, after the venue has received the subscription."""
    await pro.load_markets()
    update = asyncio.create_task(pro.watch_orders())
    await subscribed(venue, 1)
    return update


async def subscribed(venue: LoopbackExchange, topics: int) -> None:
    """Waits until the venue has received this number of subscriptions."""

    async def counted() -> int:
        return sum(len(each) for each in venue.control("streams")["streams"])

    await poll_until(counted, lambda count: count == topics)


async def test_market_streams(venue: LoopbackExchange, pro: Any) -> None:
    venue.control("book", symbol=LINEAR, bids=[["60000", "1"]], asks=[["60001", "2"]])
    book = await first(pro.watch_order_book(LINEAR))
    assert (book["bids"][0], book["asks"][0]) == ([60000.0, 1.0], [60001.0, 2.0])
    update = asyncio.create_task(pro.watch_order_book(LINEAR))
    await asyncio.sleep(0)
    venue.control("book", symbol=LINEAR, bids=[["59999", "1"]], asks=[["60001", "3"]])
    book = await first(update)
    assert (book["bids"], book["asks"]) == ([[59999.0, 1.0]], [[60001.0, 3.0]])
    assert (await first(pro.watch_ticker(SPOT)))["symbol"] == SPOT
    watching = asyncio.create_task(pro.watch_trades(LINEAR))
    while not watching.done():
        venue.control("print", symbol=LINEAR, price="60000", qty="0.5", side="sell")
        await asyncio.wait({watching}, timeout=0.05)
    assert watching.result()[0]["price"] == 60000


async def test_account_updates(venue: LoopbackExchange, pro: Any) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    update = await start_watching_orders(pro, venue)
    created = await pro.create_order(LINEAR, "limit", "buy", 0.1, 59000, {"clientOrderId": "mine"})
    [order] = await first(update)
    assert (order["id"], order["status"]) == (created["id"], "open")
    trades, balance = (
        asyncio.create_task(each) for each in (pro.watch_my_trades(), pro.watch_balance())
    )
    assert await first(pro.watch_positions([LINEAR])) == []  # the first result is a snapshot
    positions = asyncio.create_task(pro.watch_positions([LINEAR]))
    await subscribed(venue, 4)
    order_update = asyncio.create_task(pro.watch_orders())
    await asyncio.sleep(0)
    venue.control("price", symbol=LINEAR, price="58000")
    [trade] = await first(trades)
    assert (trade["order"], trade["price"], trade["amount"]) == (created["id"], 59000, 0.1)
    assert (trade["takerOrMaker"], trade["symbol"]) == ("maker", LINEAR)
    [position] = await first(positions)
    assert (position["side"], position["entryPrice"]) == ("long", 59000)
    assert (await first(balance))["USDT"]["total"] < 100_000
    [order] = await first(order_update)
    assert (order["status"], order["clientOrderId"]) == ("closed", "mine")


async def test_spot_orders_are_distinguished_from_contracts(
    venue: LoopbackExchange, pro: Any
) -> None:
    update = await start_watching_orders(pro, venue)
    await pro.create_order(SPOT, "market", "buy", 0.01)
    [order] = await first(update)
    assert (order["symbol"], order["status"]) == (SPOT, "closed")


async def test_held_frames_arrive_reversed_with_their_original_content(
    venue: LoopbackExchange, pro: Any
) -> None:
    update = await start_watching_orders(pro, venue)
    venue.control("fault", mode="hold", match="order", frames=2)
    created = await pro.create_order(LINEAR, "limit", "buy", 0.1, 50000)
    await pro.cancel_order(created["id"], LINEAR)
    await first(update)
    assert pro.orders[0]["status"] == "open"
    assert "cancelType" in pro.orders[0]["info"]
    assert venue.books()["orders"][0]["state"] == "canceled"


async def test_a_dropped_frame_is_lost(venue: LoopbackExchange, pro: Any) -> None:
    update = await start_watching_orders(pro, venue)
    venue.control("fault", mode="drop", match="order")
    created = await pro.create_order(LINEAR, "limit", "buy", 0.1, 50000)
    await pro.cancel_order(created["id"], LINEAR)
    [order] = await first(update)
    assert order["status"] == "canceled"


@pytest.mark.parametrize("mode", ["abort", "close"])
async def test_a_closed_stream_is_an_error(venue: LoopbackExchange, pro: Any, mode: str) -> None:
    update = await start_watching_orders(pro, venue)
    assert venue.control("fault", mode=mode, match="private")["connections"] == 1
    with pytest.raises(ccxt.NetworkError):
        await first(update)


async def test_a_refused_connection_and_a_refused_authentication(
    venue: LoopbackExchange, pro: Any
) -> None:
    venue.control("fault", mode="refuse", match="private")
    with pytest.raises(ccxt.NetworkError):
        await first(pro.watch_orders())
    venue.control("fault", mode="auth_refused")
    with pytest.raises(ccxt.ExchangeError):
        await first(pro.watch_orders())


async def test_a_fill_reported_after_the_cancel(venue: LoopbackExchange, pro: Any) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    update = await start_watching_orders(pro, venue)
    created = await pro.create_order(LINEAR, "limit", "buy", 0.1, 50000)
    await first(update)
    venue.control("fault", mode="late_fill", share="0.5", ms=200)
    update = asyncio.create_task(pro.watch_orders())
    await asyncio.sleep(0)
    await pro.cancel_order(created["id"], LINEAR)
    [order] = await first(update)
    assert (order["status"], order["filled"]) == ("canceled", 0)
    while not order["filled"]:
        order = (await first(pro.watch_orders()))[-1]
    [row] = venue.books()["orders"]
    assert (row["state"], row["filled"]) == ("canceled", "0.05")
