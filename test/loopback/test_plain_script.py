"""Row 32: a script of somebody else's, with nothing of ours, trades with what is printed at start.

What it connects to is told by the interpreter itself, which sees every socket.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kit.exchanges.loopback_process import LoopbackExchange

SCRIPT = """
import asyncio, json, socket, sys

told = json.load(sys.stdin)
seen = set()

def heard(event, args):
    if event == "socket.connect" and args[0].family in (socket.AF_INET, socket.AF_INET6):
        seen.add(args[1][0])

sys.addaudithook(heard)
if told["port"]:  # what a file of hosts and a redirected port would do
    usual = socket.getaddrinfo
    def here(host, port, *more, **named):
        return usual("127.0.0.1", told["port"], *more, **named)
    socket.getaddrinfo = here

async def main():
    import ccxt.async_support as ccxt
    exchange = getattr(ccxt, told["venue"])(told["config"])
    if not told["port"]:
        exchange.set_sandbox_mode(True)
    try:
        made = await exchange.create_order("BTC/USDT:USDT", "limit", "buy", 0.01, 10000)
        [row] = await exchange.fetch_open_orders("BTC/USDT:USDT")
        assert row["id"] == made["id"]
        await exchange.cancel_order(made["id"], "BTC/USDT:USDT")
        await exchange.create_order("BTC/USDT:USDT", "market", "buy", 0.01)
        balance = await exchange.fetch_balance()
    finally:
        await exchange.close()
    modules = [name for name in sys.modules if name.split(".")[0] in ("oms", "ccxt_driver")]
    print(json.dumps({"seen": sorted(seen), "ours": modules, "usdt": balance["USDT"]["total"]}))

asyncio.run(main())
"""


@pytest.mark.parametrize("dialect", ["bybit", "bybit_tls", "binance_tls"])
def test_it_trades_and_reaches_this_machine_alone(
    venue: LoopbackExchange, dialect: str, tmp_path: Path
) -> None:
    name = dialect.removesuffix("_tls")
    venue.control("price", symbol="BTC/USDT:USDT", price="60000")
    told = {
        "venue": name,
        "port": venue.startup["ports"]["tls"] if dialect.endswith("_tls") else 0,
        "config": {
            **venue.startup["extra_config"][dialect],
            "apiKey": "loop-a",
            "secret": venue.startup["keys"]["loop-a"],
        },
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert said["seen"] == ["127.0.0.1"]
    assert said["ours"] == []
    assert float(said["usdt"]) < 100_000, "the fee was paid"
    states = {row["state"] for row in venue.books()["orders"]}
    assert states == {"canceled", "filled"}
