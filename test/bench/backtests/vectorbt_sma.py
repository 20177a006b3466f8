"""Runs the SMA cross in vectorbt: JSON with the number of its orders and seconds on stdout.

    python vectorbt_sma.py PRICES.csv FAST SLOW

The second of two runs is measured: the first one compiles.
"""

import json
import sys
import time

import pandas as pd
import vectorbt as vbt


def run(prices: pd.DataFrame, fast: int, slow: int) -> int:
    """Return the number of orders; a cross at a close is executed at the next open."""
    one = vbt.MA.run(prices["close"], fast).ma
    other = vbt.MA.run(prices["close"], slow).ma
    entries = ((one > other) & (one.shift() <= other.shift())).shift(fill_value=False)
    exits = ((one < other) & (one.shift() >= other.shift())).shift(fill_value=False)
    portfolio = vbt.Portfolio.from_signals(
        prices["close"],
        entries,
        exits,
        price=prices["open"],
        size=0.95,
        size_type="percent",
        fees=0.00001,
        slippage=0.00001,
        init_cash=10_000,
        freq="1min",
    )
    return int(portfolio.orders.count())


def main() -> None:
    """Run and print."""
    prices = pd.read_csv(sys.argv[1], index_col="time")
    prices.index = pd.to_datetime(prices.index, unit="s", utc=True)
    fast, slow = int(sys.argv[2]), int(sys.argv[3])
    run(prices, fast, slow)
    began = time.perf_counter()
    orders = run(prices, fast, slow)
    print(json.dumps({"seconds": time.perf_counter() - began, "orders": orders}))


if __name__ == "__main__":
    main()
