"""Runs the SMA cross in backtrader: JSON with its executions and seconds on stdout.

    python backtrader_sma.py PRICES.csv FAST SLOW

Sizes are computed at the open that executes the order (cheat-on-open, with the averages of the
candles before), so that both engines ask for the same quantity.
"""

import csv
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import backtrader as bt

#: Costs as in the other programs: small, so that a million bars of chance leave money to compare.
COMMISSION, SLIPPAGE, SHARE, STEP = 0.00001, 0.00001, 0.95, 1e-8
CASH = 10_000.0


class SmaCross(bt.Strategy):  # type: ignore[misc]
    """Long while the fast average is above the slow one."""

    params = (("fast", 20), ("slow", 50))

    def __init__(self) -> None:
        self.fast = bt.indicators.SMA(period=self.p.fast)
        self.slow = bt.indicators.SMA(period=self.p.slow)
        self.executions: list[dict[str, Any]] = []

    def next_open(self) -> None:
        """Decide with the averages of the last closed candle and the one before."""
        if len(self) < self.p.slow + 1:
            return
        before = self.fast[-1] - self.slow[-1]
        now = self.fast[0] - self.slow[0]
        if before <= 0 < now and not self.position:
            size = round(SHARE * self.broker.getcash() / self.data.open[0] / STEP) * STEP
            self.buy(size=size)
        elif before >= 0 > now and self.position:
            self.close()

    def notify_order(self, order: bt.Order) -> None:
        """Keep what was executed."""
        if order.status == order.Completed:
            at = bt.num2date(order.executed.dt).replace(tzinfo=UTC)
            self.executions.append(
                {
                    "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "side": "buy" if order.isbuy() else "sell",
                    "qty": abs(order.executed.size),
                    "price": order.executed.price,
                    "fee": order.executed.comm,
                }
            )


class Prices(bt.feed.DataBase):  # type: ignore[misc]
    """Candles of a CSV file that are in memory."""

    params = (("rows", None),)

    def start(self) -> None:
        """Begin with the first row."""
        super().start()
        self._rows: Iterator[tuple[float, ...]] = iter(self.p.rows)

    def _load(self) -> bool:
        row = next(self._rows, None)
        if row is None:
            return False
        lines = self.lines
        (
            lines.datetime[0],
            lines.open[0],
            lines.high[0],
            lines.low[0],
            lines.close[0],
            lines.volume[0],
        ) = row
        lines.openinterest[0] = 0.0
        return True


def main() -> None:
    """Run and print."""
    path, fast, slow = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path, newline="") as file:
        rows = [
            (
                bt.date2num(datetime.fromtimestamp(int(row["time"]), UTC).replace(tzinfo=None)),
                *(float(row[name]) for name in ("open", "high", "low", "close", "volume")),
            )
            for row in csv.DictReader(file)
        ]
    cerebro = bt.Cerebro(cheat_on_open=True, stdstats=False)
    cerebro.adddata(Prices(rows=rows, timeframe=bt.TimeFrame.Minutes))
    cerebro.addstrategy(SmaCross, fast=fast, slow=slow)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=COMMISSION)
    cerebro.broker.set_slippage_perc(SLIPPAGE, slip_open=True, slip_out=True, slip_match=True)
    cerebro.broker.set_coc(False)
    began = time.perf_counter()
    (strategy,) = cerebro.run()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "executions": strategy.executions}))


if __name__ == "__main__":
    main()
