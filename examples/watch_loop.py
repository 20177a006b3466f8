"""Watching orders, deals and a ticker while trading, over one WebSocket.

Start a gateway with ``make run``, then run ``.venv/bin/python examples/watch_loop.py``.
"""

import asyncio
from typing import Any

from first_run import config

from ccxt_driver import OmsCcxtAsyncExchange

SYMBOL = "BTC/USDT"


async def main() -> None:
    async with OmsCcxtAsyncExchange(config()) as exchange:
        updates: asyncio.Queue[Any] = asyncio.Queue()
        watching = [
            asyncio.create_task(watch(exchange.watch_orders, "order", updates)),
            asyncio.create_task(watch(exchange.watch_my_trades, "deal", updates)),
        ]
        ticker = await exchange.watch_ticker(SYMBOL)
        print(f"{SYMBOL} is at {ticker['last']}")
        bought = await exchange.create_market_buy_order(SYMBOL, 0.01)
        async with asyncio.timeout(30):
            await wait_filled(updates, bought["id"])
        for task in watching:
            task.cancel()
        trade = bought["trades"][0]
        params = {"position_id": trade["info"]["position_id"]}
        print(f"closed: {(await exchange.close_position(SYMBOL, params=params))['status']}")


async def watch(method: Any, kind: str, updates: "asyncio.Queue[Any]") -> None:
    """Watches forever; an empty result means that the timeout has passed."""
    while True:
        for row in await method(SYMBOL):
            print(f"{kind} {row['id']}: {row['side']} {row['amount']} at {row['price']}")
            await updates.put((kind, row))


async def wait_filled(updates: "asyncio.Queue[Any]", order_id: str) -> None:
    """Waits for the filled order and for a deal of it."""
    missing = {"order", "deal"}
    while missing:
        kind, row = await updates.get()
        is_filled = kind == "order" and (row["id"], row["status"]) == (order_id, "closed")
        if is_filled or (kind == "deal" and row["order"] == order_id):
            missing.discard(kind)


if __name__ == "__main__":
    asyncio.run(main())
