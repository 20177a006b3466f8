"""Row 32: an independent script trades with the configuration that is printed at the start.

An audit hook of its interpreter records every connection.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kit.exchanges.loopback_process import LoopbackExchange

SCRIPT = """
import asyncio, json, socket, sys

settings = json.load(sys.stdin)
hosts = set()

def record(event, args):
    if event == "socket.connect" and args[0].family in (socket.AF_INET, socket.AF_INET6):
        hosts.add(args[1][0])

sys.addaudithook(record)
if settings["port"]:  # as a hosts file and a redirected port would do
    getaddrinfo = socket.getaddrinfo
    def resolve(host, port, *args, **keywords):
        return getaddrinfo("127.0.0.1", settings["port"], *args, **keywords)
    socket.getaddrinfo = resolve

async def main():
    import ccxt.async_support as ccxt
    exchange = getattr(ccxt, settings["venue"])(settings["config"])
    if not settings["port"]:
        exchange.set_sandbox_mode(True)
    try:
        amount = settings["amount"]
        made = await exchange.create_order("BTC/USDT:USDT", "limit", "buy", amount, 10000)
        [row] = await exchange.fetch_open_orders("BTC/USDT:USDT")
        assert row["id"] == made["id"]
        await exchange.cancel_order(made["id"], "BTC/USDT:USDT")
        await exchange.create_order("BTC/USDT:USDT", "market", "buy", amount)
        balance = await exchange.fetch_balance()
    finally:
        await exchange.close()
    modules = [name for name in sys.modules if name.split(".")[0] in ("oms", "ccxt_driver")]
    usdt = balance["USDT"]["total"]
    print(json.dumps({"hosts": sorted(hosts), "modules": modules, "usdt": usdt}))

asyncio.run(main())
"""


@pytest.mark.parametrize("dialect", ["bybit", "bybit_tls", "binance_tls", "okx_tls"])
def test_a_plain_script_trades_and_connects_to_this_machine_only(
    venue: LoopbackExchange, dialect: str, tmp_path: Path
) -> None:
    name = dialect.removesuffix("_tls")
    venue.control("price", symbol="BTC/USDT:USDT", price="60000")
    settings = {
        "venue": name,
        "port": venue.startup["ports"]["tls"] if dialect.endswith("_tls") else 0,
        "amount": 1 if name == "okx" else 0.01,  # a contract there
        "config": {
            **venue.startup["extra_config"][dialect],
            "apiKey": "loop-a",
            "secret": venue.startup["keys"]["loop-a"],
            "password": venue.startup["passphrases"]["loop-a"],
        },
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert result["hosts"] == ["127.0.0.1"]
    assert result["modules"] == []
    assert float(result["usdt"]) < 100_000, "the fee was paid"
    states = {row["state"] for row in venue.books()["orders"]}
    assert states == {"canceled", "filled"}
