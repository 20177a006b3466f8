"""The process of the loopback exchange: command line options, ports, lifetime."""

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

from loopback.binance.dialect import BINANCE
from loopback.bybit.dialect import BYBIT
from loopback.control.context import LoopbackContext
from loopback.control.port import ControlPort
from loopback.exchange.price_sources import replay_recording, walk_prices
from loopback.exchange.venue import ApiKey, Venue
from loopback.gateway_accounts import GatewayClient, JoinFailed, join_gateway
from loopback.okx.dialect import OKX
from loopback.server.http import HttpListener
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamHub
from loopback.server.tls import Authority, temporary_authority
from loopback.server.virtual_hosts import VirtualHosts
from oms.domain.errors import Invalid

#: The first one is the default of the TLS port.
DIALECTS = (BYBIT, BINANCE, OKX)
KEYS = (
    ApiKey(name="loop-a", secret="secret-a", account="a", passphrase="pass-a"),
    ApiKey(name="loop-b", secret="secret-b", account="b", passphrase="pass-b"),
    ApiKey(name="loop-c", secret="secret-c", account="c", passphrase="pass-c"),
    ApiKey(name="loop-ro", secret="secret-ro", account="a", passphrase="pass-ro", read_only=True),
)
TICK_SECONDS = 0.5
FIRST_ORDER = """A first order:
  import ccxt, json
  settings = json.loads(...)  # the first line above
  bybit = ccxt.bybit({{"apiKey": "loop-a", "secret": "secret-a"}}
                     | settings["extra_config"]["bybit"])
  bybit.set_sandbox_mode(True)
  print(bybit.create_order("BTC/USDT:USDT", "market", "buy", 0.01))
The venue's books:
  curl -s 127.0.0.1:{port}/__ctl -d '{{"op": "books"}}'"""


def run(argv: Sequence[str]) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status."""
    options = _options(argv)
    try:
        return asyncio.run(_serve(options))
    except (OSError, Invalid, JoinFailed) as error:
        print(f"loopback: {error}", file=sys.stderr)
        return 1


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tools/loopback", description="Loopback exchange")
    for dialect in DIALECTS:
        option = f"--{dialect.name}-port"
        parser.add_argument(option, type=int, default=dialect.default_port, help="0: a free port")
    parser.add_argument("--tls-port", type=int, default=18443, help="all venues, by host name")
    parser.add_argument("--control-port", type=int, default=18079)
    parser.add_argument("--seed", type=int, default=1, help="of the prices")
    parser.add_argument("--walk", action="store_true", help="move the prices by a random walk")
    parser.add_argument(
        "--replay", action="append", default=[], metavar="SYMBOL=FILE", help="replay a recording"
    )
    parser.add_argument("--join", metavar="URL", help="create accounts at this gateway")
    parser.add_argument("--api-key", default="", help="an administrator's key of that gateway")
    parser.add_argument("--grant", type=int, metavar="KEY_ID", help="grant them to this API key")
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
        run_id=str(time.time_ns()),
    )
    request_filter = RequestFilter()
    context = LoopbackContext(venue, request_filter, StreamHub(request_filter.faults))
    with temporary_authority() as authority:
        _add_listeners(context, options, authority)
        control = HttpListener(ControlPort(context), options.control_port)
        try:
            for listener in (*context.listeners.values(), control):
                await listener.open()
            settings = _settings(context, control, authority)
            print(json.dumps(settings), flush=True)
            await asyncio.to_thread(_join, options, settings)
            print(FIRST_ORDER.format(port=control.port), flush=True)
            await _run_until_stopped(stop, venue, options)
        finally:
            for listener in (*context.listeners.values(), control):
                await listener.close()
    return 0


def _add_listeners(
    context: LoopbackContext, options: argparse.Namespace, authority: Authority
) -> None:
    """Adds a port for each dialect, and the TLS port of all of them."""
    apis = {
        dialect.name: dialect.create_api(context.venue, context.request_filter, context.stream_hub)
        for dialect in DIALECTS
    }
    for name, api in apis.items():
        context.listeners[name] = HttpListener(api, getattr(options, f"{name}_port"))
    by_host = VirtualHosts(apis, default=apis[DIALECTS[0].name])
    context.listeners["tls"] = HttpListener(by_host, options.tls_port, authority.context)


def _join(options: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Creates the gateway's accounts if requested, and prints them as one line of JSON."""
    if options.join:
        gateway = GatewayClient(options.join, options.api_key)
        accounts = join_gateway(gateway, options.grant, settings["keys"], settings["extra_config"])
        print(json.dumps({"joined": accounts}), flush=True)


async def _run_until_stopped(
    stop: asyncio.Event, venue: Venue, options: argparse.Namespace
) -> None:
    """Advances time and prices; an error in a price source ends the process."""
    sources = [asyncio.create_task(_advance(venue, is_walking=options.walk))]
    for each in options.replay:
        symbol, _, name = each.partition("=")
        sources.append(asyncio.create_task(replay_recording(venue, symbol, Path(name))))
    stopping = asyncio.create_task(stop.wait())
    waiting: set[asyncio.Task[Any]] = {stopping, *sources}
    while not stopping.done():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


def _settings(
    context: LoopbackContext, control: HttpListener, authority: Authority
) -> dict[str, Any]:
    """Returns what the first line of output contains: ports, keys, ccxt configurations."""
    ports = {name: listener.port for name, listener in context.listeners.items()}
    extra_config = {}
    for dialect in DIALECTS:
        tls_config = dialect.extra_config_tls(ports["tls"], authority.cafile)
        extra_config[dialect.name] = dialect.extra_config(ports[dialect.name])
        extra_config[f"{dialect.name}_tls"] = tls_config
    return {
        "ports": ports | {"control": control.port},
        "keys": {key.name: key.secret for key in KEYS},
        "passphrases": {key.name: key.passphrase for key in KEYS},
        "cafile": str(authority.cafile),
        "extra_config": extra_config,
    }


async def _advance(venue: Venue, *, is_walking: bool) -> None:
    """Advances the venue's time, and its prices if ``is_walking``, forever."""
    if is_walking:
        await walk_prices(venue, TICK_SECONDS)
    while True:
        await asyncio.sleep(TICK_SECONDS)
        venue.tick()
