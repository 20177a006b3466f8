"""The cost of a call of ``mt5_driver``, compared with the same raw request.

.venv/bin/python test/bench/run.py metatrader [--rounds 3] [--calls 100]
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import mt5_driver as mt5
from bench.driver.calls import CallCosts, RawHttpClient, measure_interleaved
from bench.load import Target
from bench.systems import NO_LIMITS
from kit.gateway.processes import Gateway

SYMBOL, QTY = "BTC/USDT:USDT", "0.01"
RAW, DRIVER = "raw HTTP", "mt5_driver"
Ways = dict[str, Callable[[], object]]


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status."""
    parser = argparse.ArgumentParser(prog="test/bench/run.py metatrader")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=100)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="omsmt5") as name:
        gateway = Gateway(Path(name), environment={**NO_LIMITS})
        try:
            gateway.start()
            costs = _measure(gateway, options.rounds, options.calls)
        finally:
            mt5.shutdown()
            gateway.stop()
    print("| call | raw HTTP, ms | mt5_driver, ms | ratio |\n|---|---|---|---|")
    for cost in costs:
        ms = " | ".join(f"{cost.ms[way]:.2f}" for way in (RAW, DRIVER))
        print(f"| {cost.name} | {ms} | {cost.ratios[DRIVER]:.2f} |")
    return 0


def _measure(gateway: Gateway, rounds: int, calls: int) -> list[CallCosts]:
    account = gateway.netting_account_id
    target = Target(
        base_url=gateway.base_url,
        api_key=gateway.api_key,
        accounts=[account],
        symbol=SYMBOL,
        qty=QTY,
    )
    os.environ.pop("OMS_MT5_SYMBOLS", None)
    assert mt5.initialize(login=account, password=gateway.api_key, server=gateway.base_url)
    with RawHttpClient(target) as raw:
        kinds = _calls(raw, account)
        return [measure_interleaved(name, ways, rounds, calls) for name, ways in kinds.items()]


def _calls(raw: RawHttpClient, account: int) -> dict[str, Ways]:
    sides = cycle(("buy", "sell"))
    types = cycle((mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL))
    path = f"account_ids={account}&view=mt5"

    def ccxt(func: str, *args: object) -> object:
        return raw.send("POST", f"/ccxt/{account}/{func}", {"args": args})

    def raw_order() -> object:
        payload = {"symbol": SYMBOL, "side": next(sides), "order_type": "market", "qty": QTY}
        body = {"account_id": account, "command": "send_order", "payload": payload}
        return raw.send("POST", "/oms/commands?view=mt5&wait_ms=10000", body)

    def order() -> object:
        request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": SYMBOL, "type": next(types)}
        result = mt5.order_send(request | {"volume": float(QTY)})
        assert result is not None and result.retcode == mt5.TRADE_RETCODE_DONE, result
        return result

    return {
        "order_send (market)": {RAW: raw_order, DRIVER: order},
        "symbol_info_tick": {
            RAW: lambda: ccxt("fetch_ticker", SYMBOL),
            DRIVER: lambda: mt5.symbol_info_tick(SYMBOL),
        },
        "copy_rates_from_pos (100)": {
            RAW: lambda: ccxt("fetch_ohlcv", SYMBOL, "1m", None, 100),
            DRIVER: lambda: mt5.copy_rates_from_pos(SYMBOL, mt5.TIMEFRAME_M1, 0, 100),
        },
        "positions_get": {
            RAW: lambda: raw.send("GET", f"/oms/positions/open?{path}"),
            DRIVER: mt5.positions_get,
        },
        "account_info": {
            RAW: lambda: raw.send("GET", f"/portfolio?account_ids={account}"),
            DRIVER: mt5.account_info,
        },
        "history_deals_get (500)": {
            RAW: lambda: raw.send("GET", f"/oms/deals?{path}&cursor=&page_size=500"),
            DRIVER: lambda: mt5.history_deals_get(0, 1 << 32),
        },
    }
