"""Runs the SMA cross in the gateway's backtester: JSON with executions, seconds, memory on stdout.

    python gateway_sma.py PRICES.csv FAST SLOW [--stream]

With ``--stream`` candles go from the file to the backtest one by one, as ``oms backtest run`` reads
them; without it they are in memory before the clock starts, as in the other engines.
"""

import json
import sys
import time
from decimal import Decimal
from pathlib import Path

from oms.backtest.run import Backtest
from oms.backtest.settings import BacktestSettings, contract_of
from oms.domain.market.timeframe import Timeframe
from oms.strategies.catalog import find_strategy
from oms.wire.backtests.result_json import trades_json
from oms.wire.market.candle_file import read_candles

#: Fee and slippage, as in the other programs.
COST = Decimal("0.00001")


def main() -> None:
    """Run and print."""
    path, fast, slow = sys.argv[1:4]
    settings = BacktestSettings(
        instrument=contract_of("BTC/USDT"),
        timeframe=Timeframe.MINUTE,
        commission=COST,
        slippage=COST,
    )
    definition = find_strategy("sma_cross")
    parameters = definition.parse({"fast": fast, "slow": slow})
    strategy = definition.make(Timeframe.MINUTE, parameters)
    backtest = Backtest(settings, strategy, (), lambda _: None)
    with open(path, newline="") as file:
        candles = read_candles(file, Timeframe.MINUTE)
        if "--stream" not in sys.argv:
            candles = iter(list(candles))
        began = time.perf_counter()
        for candle in candles:
            backtest.push(candle)
        result = backtest.finish()
        seconds = time.perf_counter() - began
    executions = trades_json(result.executions, "BTC/USDT")
    print(json.dumps({"seconds": seconds, "executions": executions, "peak_kib": _peak_kib()}))


def _peak_kib() -> int:
    """Return the most memory this process has held since its exec; that of a fork counts not."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


if __name__ == "__main__":
    main()
