"""Watching orders, deals and a ticker while trading; everything comes over one WebSocket.

Start a gateway with ``make run``, then run ``.venv/bin/python examples/watch_loop.py``.
"""

import asyncio
from typing import Any

from first_run import config

from ccxt_driver import OmsCcxtAsyncExchange

SYMBOL = "BTC/USDT"


async def main() -> None:
    async with OmsCcxtAsyncExchange(config()) as exchange:
        seen: asyncio.Queue[Any] = asyncio.Queue()
        watching = [
            asyncio.create_task(watch(exchange.watch_orders, "order", seen)),
            asyncio.create_task(watch(exchange.watch_my_trades, "deal", seen)),
        ]
        ticker = await exchange.watch_ticker(SYMBOL)
        print(f"{SYMBOL} is at {ticker['last']}")
        bought = await exchange.create_market_buy_order(SYMBOL, 0.01)
        async with asyncio.timeout(30):
            await until_told(seen, bought["id"])
        for task in watching:
            task.cancel()
        trade = bought["trades"][0]
        params = {"position_id": trade["info"]["position_id"]}
        print(f"closed: {(await exchange.close_position(SYMBOL, params=params))['status']}")


async def watch(method: Any, word: str, seen: "asyncio.Queue[Any]") -> None:
    """Ask for ever; an empty answer says only that nothing happened for a while."""
    while True:
        for one in await method(SYMBOL):
            print(f"{word} {one['id']}: {one['side']} {one['amount']} at {one['price']}")
            await seen.put((word, one))


async def until_told(seen: "asyncio.Queue[Any]", order_id: str) -> None:
    """Until the order has been told as filled, and a deal of it."""
    missing = {"order", "deal"}
    while missing:
        word, one = await seen.get()
        is_filled = word == "order" and (one["id"], one["status"]) == (order_id, "closed")
        if is_filled or (word == "deal" and one["order"] == order_id):
            missing.discard(word)


if __name__ == "__main__":
    asyncio.run(main())
