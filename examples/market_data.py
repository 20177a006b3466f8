"""Market data of the account's exchange, several requests concurrently.

Start a gateway with ``make run``, then run ``.venv/bin/python examples/market_data.py``.
"""

import asyncio

from first_run import config

from ccxt_driver import OmsCcxtAsyncExchange

SYMBOLS = ["BTC/USDT", "BTC/USDT:USDT"]


async def main() -> None:
    async with OmsCcxtAsyncExchange(config()) as exchange:
        markets = await exchange.load_markets()
        print(f"{len(markets)} markets, {len(exchange.currencies)} currencies")
        for symbol in SYMBOLS:
            market = exchange.market(symbol)
            print(
                f"{symbol}: a {market['type']}, amounts in steps of {market['precision']['amount']}"
            )

        tickers = await asyncio.gather(*(exchange.fetch_ticker(symbol) for symbol in SYMBOLS))
        for ticker in tickers:
            print(f"{ticker['symbol']}: bid {ticker['bid']}, ask {ticker['ask']}")

        book = await exchange.fetch_order_book(SYMBOLS[0], 3)
        for price, amount in book["bids"]:
            print(f"  bid: {amount} at {price}")

        for _, first, high, low, last, _ in await exchange.fetch_ohlcv(SYMBOLS[0], "1m", None, 3):
            print(f"  candle: open {first}, high {high}, low {low}, close {last}")

        balance = await exchange.fetch_balance()
        print(f"free: {balance['USDT']['free']} USDT")


if __name__ == "__main__":
    asyncio.run(main())
