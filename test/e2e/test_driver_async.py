"""The asyncio and streaming drivers against a real gateway, over connections that break."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsCcxtAsyncExchange, OmsCcxtProExchange
from kit.faults.cut_proxy import CutProxy, cut_proxy
from kit.gateway.processes import Gateway
from kit.http.client import call

SYMBOL = "BTC/USDT"
LINEAR = "BTC/USDT:USDT"
CUTS, ORDERS_MAX = 6, 1000


@pytest.fixture(scope="module")
def gateway(supervised_gateway: Gateway) -> Gateway:
    """A gateway whose processes are started again when they have ended."""
    return supervised_gateway


@pytest.fixture
async def exchange(gateway: Gateway) -> AsyncIterator[OmsCcxtAsyncExchange]:
    config = {
        "apiKey": gateway.api_key,
        "accountId": gateway.netting_account_id,
        "baseUrl": gateway.base_url,
    }
    async with OmsCcxtAsyncExchange(config) as made:
        yield made


@pytest.fixture
async def proxy(gateway: Gateway) -> AsyncIterator[CutProxy]:
    async with cut_proxy(gateway.port) as running:
        yield running


def _pro(gateway: Gateway, base_url: str) -> OmsCcxtProExchange:
    return OmsCcxtProExchange(
        api_key=gateway.api_key,
        account_id=gateway.netting_account_id,
        base_url=base_url,
        watch_timeout_seconds=10,
    )


async def test_common_calls_of_a_ccxt_user(exchange: OmsCcxtAsyncExchange) -> None:
    markets = await exchange.load_markets()
    assert exchange.symbols is not None and LINEAR in exchange.symbols and LINEAR in markets
    assert exchange.market(LINEAR)["swap"] is True
    assert exchange.amount_to_precision(LINEAR, 0.0123456) == "0.012"
    assert exchange.price_to_precision(LINEAR, "20000.04") == "20000"
    with pytest.raises(ccxt.InvalidOrder):
        exchange.amount_to_precision(LINEAR, 1e-9)
    with pytest.raises(ccxt.BadSymbol):
        exchange.market("NOPE/USDT")
    ticker, balance = await asyncio.gather(exchange.fetchTicker(LINEAR), exchange.fetch_balance())
    assert ticker["last"] > 0 and balance["USDT"]["total"] > 0
    order = await exchange.create_limit_buy_order(LINEAR, 0.01, 20000)
    edited = await exchange.edit_order(order["id"], LINEAR, "limit", "buy", 0.02, 21000)
    assert (edited["id"], edited["amount"]) == (order["id"], 0.02)
    assert order["id"] in [one["id"] for one in await exchange.fetch_open_orders(LINEAR)]
    assert (await exchange.cancel_order(order["id"], LINEAR))["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.fetch_order(2**50)
    with pytest.raises(ccxt.NotSupported):
        await exchange.create_twap_order(LINEAR, "buy", 1, 60)


async def test_many_calls_at_once_share_few_connections(exchange: OmsCcxtAsyncExchange) -> None:
    orders = await asyncio.gather(
        *(exchange.create_limit_buy_order(LINEAR, 0.01, 20000 + 10 * n) for n in range(20))
    )
    assert len({order["id"] for order in orders}) == 20
    canceled = await exchange.cancel_orders([order["id"] for order in orders])
    assert {order["status"] for order in canceled} == {"canceled"}


async def test_what_was_open_comes_first_and_then_every_change(gateway: Gateway) -> None:
    pro = _pro(gateway, gateway.base_url)
    resting = pro.create_limit_buy_order(LINEAR, 0.01, 20000)
    first = await pro.watch_orders(LINEAR.lower())
    assert [order["id"] for order in first] == [resting["id"]]
    watching = asyncio.create_task(pro.watch_my_trades(LINEAR))
    await asyncio.sleep(0)
    bought = await pro.create_market_buy_order(LINEAR, 0.01)  # Awaited although it blocks.
    (deal, *_) = await watching
    assert (deal["order"], deal["side"]) == (bought["id"], "buy")
    positions = await pro.watch_positions([LINEAR])
    assert positions[-1]["contracts"] >= 0.01
    seen = await _until_status(pro, bought["id"], "closed")
    assert resting["id"] not in [order["id"] for order in seen]
    pro.cancel_order(resting["id"])
    assert await _until_status(pro, resting["id"], "canceled")
    assert await pro.watch_orders(LINEAR, params={"watch_timeout_seconds": 0.2}) == []
    assert (await pro.watch_ticker(SYMBOL))["last"] > 0
    assert (await pro.watch_order_book(SYMBOL, 5))["bids"]
    assert len(await pro.watch_ohlcv(SYMBOL, "1m", None, 3)) == 3
    await pro.close()


async def test_polling_returns_the_same_updates(gateway: Gateway) -> None:
    pro = _pro(gateway, gateway.base_url)
    params = {"force_polling": True, "watch_timeout_seconds": 5, "poll_interval_seconds": 0.2}
    assert await pro.watch_orders(LINEAR, params=params | {"watch_timeout_seconds": 0.1}) == []
    resting = pro.create_limit_buy_order(LINEAR, 0.01, 20000)
    (order,) = await pro.watch_orders(LINEAR, params=params)
    assert (order["id"], order["status"]) == (resting["id"], "open")
    pro.cancel_order(resting["id"])
    assert (await pro.watch_orders(LINEAR, params=params))[-1]["status"] == "canceled"
    assert pro._stream is not None and not pro._stream.is_live
    await pro.close()


async def test_no_update_is_lost_or_repeated_while_connections_break(
    gateway: Gateway, proxy: CutProxy
) -> None:
    watcher, trader = _pro(gateway, proxy.base_url), _pro(gateway, gateway.base_url)
    await watcher.watch_orders(LINEAR, params={"watch_timeout_seconds": 2})
    head = _head(gateway)
    received: list[Any] = []
    trades: list[Any] = []
    short = {"watch_timeout_seconds": 1.0, "poll_interval_seconds": 0.2}

    async def watch() -> None:
        while True:
            received.extend(await watcher.watch_orders(LINEAR, params=short))

    async def watch_trades() -> None:
        while True:
            trades.extend(await watcher.watch_my_trades(LINEAR, params=short))

    async def cut() -> None:
        while True:
            await asyncio.sleep(0.15)
            proxy.cut()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each()) for each in (watch, watch_trades, cut)]
        await watcher.watch_my_trades(LINEAR, params={"watch_timeout_seconds": 0.01})
        made: list[str] = []
        while proxy.cuts < CUTS and len(made) < ORDERS_MAX:
            made.append(await asyncio.to_thread(_trade, trader, len(made)))
        tasks[2].cancel()
        for _ in range(200):
            if len({one["order"] for one in trades}) == len(made) and _has_received(received, made):
                break
            await asyncio.sleep(0.1)
        for task in tasks[:2]:
            task.cancel()
    await watcher.close()
    await trader.close()
    expected = _versions(gateway, head, "order_updated", set(made))
    assert Counter((one["id"], one["info"]["version"]) for one in received) == Counter(expected)
    assert Counter(one["id"] for one in trades) == Counter(
        row["id"] for row in _rows(gateway, head, "deal_updated")
    )
    assert proxy.cuts >= CUTS


async def _until_status(pro: Any, order_id: str, status: str) -> list[Any]:
    seen: list[Any] = []
    while not any((one["id"], one["status"]) == (order_id, status) for one in seen):
        rows = await pro.watch_orders(LINEAR)
        assert rows, "the event did not arrive in time"
        seen.extend(rows)
    return seen


def _trade(trader: Any, number: int) -> str:
    return str(trader.create_market_order(LINEAR, ("buy", "sell")[number % 2], 0.01)["id"])


def _has_received(received: list[Any], made: list[str]) -> bool:
    return {one["id"] for one in received if one["status"] == "closed"} >= set(made)


def _head(gateway: Gateway) -> int:
    account = gateway.netting_account_id
    _, body, _ = call(gateway, "GET", f"/oms/events?account_ids={account}&after=now")
    return int(body["heads"][str(account)])


def _rows(gateway: Gateway, after: int, event: str) -> list[Any]:
    account, rows = gateway.netting_account_id, []
    while True:
        path = f"/oms/events?account_ids={account}&after={account}:{after}&limit=1000"
        _, body, _ = call(gateway, "GET", path)
        rows += [
            {**each["payload"], "id": str(each["payload"]["id"])}
            for each in body["items"]
            if each["event"] == event
        ]
        if not body["items"]:
            return rows
        after = body["items"][-1]["seq"]


def _versions(gateway: Gateway, after: int, event: str, ids: set[str]) -> list[Any]:
    rows = _rows(gateway, after, event)
    return [(row["id"], row["version"]) for row in rows if row["id"] in ids]


async def test_the_watch_resumes_after_the_gateway_was_killed(gateway: Gateway) -> None:
    watcher, trader = _pro(gateway, gateway.base_url), _pro(gateway, gateway.base_url)
    resting = trader.create_limit_buy_order(LINEAR, 0.01, 20000)
    received: list[Any] = await watcher.watch_orders(LINEAR)
    gateway.kill("api")
    canceled = asyncio.create_task(asyncio.to_thread(_cancel_when_back, gateway, trader, resting))
    async with asyncio.timeout(60):
        while not any(
            (one["id"], one["status"]) == (resting["id"], "canceled") for one in received
        ):
            with contextlib.suppress(
                ccxt.NetworkError
            ):  # The gateway is down: retry, as with ccxt.
                received += await watcher.watch_orders(LINEAR)
    await canceled
    versions = [one["info"]["version"] for one in received if one["id"] == resting["id"]]
    assert versions == sorted(set(versions))
    await watcher.close()
    await trader.close()


def _cancel_when_back(gateway: Gateway, trader: Any, order: Any) -> None:
    gateway.wait_until_ready()
    trader.cancel_order(order["id"])
