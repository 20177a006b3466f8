"""Options, ports and the life of the process."""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from loopback.binance.api import BinanceApi
from loopback.bybit.api import BybitApi
from loopback.ccxt_config import (
    extra_config,
    extra_config_binance,
    extra_config_binance_tls,
    extra_config_tls,
)
from loopback.control.context import LoopbackContext
from loopback.control.port import ControlPort
from loopback.exchange.price_walk import walk_prices
from loopback.exchange.recording_replay import replay_recording
from loopback.exchange.venue import ApiKey, Venue
from loopback.gateway_accounts import GatewayClient, JoinFailed, join_gateway
from loopback.server.http import HttpListener
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamHub
from loopback.server.tls import Authority, temporary_authority
from loopback.server.virtual_hosts import VirtualHosts
from oms.domain.errors import Invalid

KEYS = (
    ApiKey(name="loop-a", secret="secret-a", account="a"),
    ApiKey(name="loop-b", secret="secret-b", account="b"),
    ApiKey(name="loop-c", secret="secret-c", account="c"),
    ApiKey(name="loop-ro", secret="secret-ro", account="a", read_only=True),
)
TICK_SECONDS = 0.5
FIRST_ORDER = """A first order:
  import ccxt, json
  told = json.loads(...)  # the first line above
  bybit = ccxt.bybit({{"apiKey": "loop-a", "secret": "secret-a"}} | told["extra_config"]["bybit"])
  bybit.set_sandbox_mode(True)
  print(bybit.create_order("BTC/USDT:USDT", "market", "buy", 0.01))
What the venue knows of it:
  curl -s 127.0.0.1:{port}/__ctl -d '{{"op": "books"}}'"""


def run(argv: Sequence[str]) -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit code."""
    options = _options(argv)
    try:
        return asyncio.run(_serve(options))
    except (OSError, Invalid, JoinFailed) as wrong:
        print(f"loopback: {wrong}", file=sys.stderr)
        return 1


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tools/loopback", description="Loopback exchange")
    parser.add_argument("--bybit-port", type=int, default=18070, help="0 is a free one")
    parser.add_argument("--binance-port", type=int, default=18071)
    parser.add_argument("--tls-port", type=int, default=18443, help="all venues by their names")
    parser.add_argument("--control-port", type=int, default=18079)
    parser.add_argument("--seed", type=int, default=1, help="of the prices")
    parser.add_argument("--walk", action="store_true", help="let prices move by themselves")
    parser.add_argument(
        "--replay", action="append", default=[], metavar="SYMBOL=FILE", help="play a recording"
    )
    parser.add_argument("--join", metavar="URL", help="make accounts at this gateway")
    parser.add_argument("--api-key", default="", help="an admin's key there")
    parser.add_argument("--grant", type=int, metavar="KEY_ID", help="let this API key trade them")
    parser.add_argument("--balance", action="append", default=[], metavar="CURRENCY=AMOUNT")
    return parser.parse_args(argv)


async def _serve(options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    balances = dict(each.split("=", 1) for each in options.balance or ["USDT=100000"])
    venue = Venue(
        KEYS,
        {name: Decimal(amount) for name, amount in balances.items()},
        seed=options.seed,
        run=str(time.time_ns()),
    )
    gate = RequestFilter()
    talks = StreamHub(gate)
    desk = LoopbackContext(venue, gate, talks)
    bybit, binance = BybitApi(venue, gate, talks), BinanceApi(venue, gate, talks)
    with temporary_authority() as authority:
        desk.listeners["bybit"] = HttpListener(bybit, options.bybit_port)
        desk.listeners["binance"] = HttpListener(binance, options.binance_port)
        by_name = VirtualHosts({"binance": binance}, usual=bybit)
        desk.listeners["tls"] = HttpListener(by_name, options.tls_port, authority.context)
        control = HttpListener(ControlPort(desk), options.control_port)
        try:
            for listener in (*desk.listeners.values(), control):
                await listener.open()
            told = _first_line(desk, control, authority)
            print(json.dumps(told), flush=True)
            await asyncio.to_thread(_join, options, told)
            print(FIRST_ORDER.format(port=control.port), flush=True)
            await _until_stopped(stop, venue, options)
        finally:
            for listener in (*desk.listeners.values(), control):
                await listener.close()
    return 0


def _join(options: argparse.Namespace, told: dict[str, Any]) -> None:
    """Make the accounts, if that is wished; one line of JSON tells them."""
    if options.join:
        gateway = GatewayClient(options.join, options.api_key)
        accounts = join_gateway(gateway, options.grant, told["keys"], told["extra_config"])
        print(json.dumps({"joined": accounts}), flush=True)


async def _until_stopped(stop: asyncio.Event, venue: Venue, options: argparse.Namespace) -> None:
    """Let time pass and prices move; an error of what moves them ends the process."""
    moving = [asyncio.create_task(_tick(venue, walks=options.walk))]
    for each in options.replay:
        symbol, _, name = each.partition("=")
        moving.append(asyncio.create_task(replay_recording(venue, symbol, Path(name))))
    stopping = asyncio.create_task(stop.wait())
    waiting: set[asyncio.Task[Any]] = {stopping, *moving}
    while not stopping.done():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


def _first_line(
    desk: LoopbackContext, control: HttpListener, authority: Authority
) -> dict[str, Any]:
    ports = {name: listener.port for name, listener in desk.listeners.items()}
    return {
        "ports": ports | {"control": control.port},
        "keys": {key.name: key.secret for key in KEYS},
        "cafile": str(authority.cafile),
        "extra_config": {
            "bybit": extra_config(ports["bybit"]),
            "bybit_tls": extra_config_tls(ports["tls"], authority.cafile),
            "binance": extra_config_binance(ports["binance"]),
            "binance_tls": extra_config_binance_tls(ports["tls"], authority.cafile),
        },
    }


async def _tick(venue: Venue, *, walks: bool) -> None:
    """Let time pass, and prices move if they are to."""
    if walks:
        await walk_prices(venue, TICK_SECONDS)
    while True:
        await asyncio.sleep(TICK_SECONDS)
        venue.tick()
