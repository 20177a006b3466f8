"""What oms-gateway adds to ccxt at a real exchange, and how many orders pass over many accounts.

.venv/bin/python test/bench/run.py exchange [--quick] [--databases mariadb]

Both sides talk to the same loopback exchange in the same run. The floor is ccxt itself, asked by a
program that stores nothing: same class, same options, its limiter off.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt.async_support

from bench import systems
from bench.driver_calls import RawHttpClient
from bench.driver_overhead import create_loopback_account
from bench.latency import content_length, percentile
from bench.load import Target
from bench.processes import BenchError
from kit.databases.mariadb import MariaDBFailed, PrivateMariaDB
from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.gateway.processes import Gateway
from kit.polling import wait_until

SYMBOL, QTY, MARKET, PRICE = "BTC/USDT:USDT", "0.003", "60000", "55000"
ORDER, CANCEL = "create_order", "cancel_order"
CCXT, OMS = "ccxt", "oms"
#: An order, its cancel and what is read about them are six requests, and the loopback tells that it
#: allows a key fifty a second, a fifth of them for cancels: with such pauses nobody waits for it.
PAUSE_SECONDS = 0.2
MONEY = {"USDT": "10000000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One account on both sides."""

    name: str
    secret: str
    account_id: int


@dataclass(slots=True)
class Timings:
    """Milliseconds by call and way."""

    ms: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    async def time(self, call: str, way: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """One call; what it answers."""
        began = time.perf_counter()
        told = await ask()
        self.ms.setdefault((call, way), []).append((time.perf_counter() - began) * 1_000)
        return told


def main(arguments: Sequence[str]) -> int:
    """Run the bench; the exit status: 2 if it could not."""
    options = _options(arguments)
    for kind in options.databases:
        try:
            with tempfile.TemporaryDirectory(prefix="omsexchange") as name:
                _measure(kind, Path(name), options)
        except (BenchError, MariaDBFailed) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
    return 0


def _measure(kind: str, folder: Path, options: argparse.Namespace) -> None:
    with contextlib.ExitStack() as stack:
        gateway = _gateway(kind, folder, stack)
        venue = stack.enter_context(run_loopback())
        stack.callback(gateway.stop)  # before the exchange: it has a last word to say
        gateway.start()
        venue.control("price", symbol=SYMBOL, price=MARKET)
        keys = [_key(venue, gateway, f"bench-{n}") for n in range(options.accounts)]
        _await_all(gateway, keys)
        taken = asyncio.run(_in_turns(gateway, venue, keys[0], options.calls))
        _print_latency(kind, taken)
        _print_rates(kind, asyncio.run(_rates(gateway, venue, keys, options.seconds)))


def _gateway(kind: str, folder: Path, stack: contextlib.ExitStack) -> Gateway:
    environment = dict(systems.NO_LIMITS)
    if kind == "sqlite":
        return Gateway(folder, environment=environment)
    server = stack.enter_context(PrivateMariaDB())
    server.create_database("oms_exchange")
    dsn = server.dsn("oms_exchange", "asyncmy")
    return Gateway(folder, dsn=dsn, mariadb=server, environment=environment)


def _key(venue: LoopbackExchange, gateway: Gateway, name: str) -> Key:
    secret = f"secret of {name}"
    venue.control("account", key=name, secret=secret, account=name, balances=MONEY)
    account_id = create_loopback_account(venue, gateway, name, name, secret)
    return Key(name=name, secret=secret, account_id=account_id)


def _await_all(gateway: Gateway, keys: Sequence[Key]) -> None:
    """Every account has sent one order and canceled it: clients are open, markets are read."""
    with RawHttpClient(_target(gateway, keys)) as hand:
        for key in keys:

            def is_open(key: Key = key) -> bool:
                told = hand.ask("POST", "/oms/commands?wait_ms=10000", _order(key.account_id))
                row = told["results"][0]
                if row["status"] == "done":
                    body = _cancel(key.account_id, row["order_id"])
                    hand.ask("POST", "/oms/commands?wait_ms=10000", body)
                return bool(row["status"] == "done")

            wait_until(lambda check=is_open: _or_not_yet(check), 60, f"{key.name} trades")


def _or_not_yet(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except BenchError:  # the key has not heard of its account, or the account is not open
        return False


def _target(gateway: Gateway, keys: Sequence[Key]) -> Target:
    return Target(
        base_url=gateway.base_url,
        api_key=gateway.api_key,
        accounts=[key.account_id for key in keys],
        symbol=SYMBOL,
        qty=QTY,
    )


def _order(account_id: int) -> dict[str, Any]:
    """A buy that rests below the market."""
    wish = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "qty": QTY, "price": PRICE}
    return {"account_id": account_id, "command": "send_order", "payload": wish}


def _cancel(account_id: int, order_id: int) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "command": "cancel_order",
        "payload": {"order_id": order_id},
    }


class GatewayConnection:
    """One kept connection to the gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._parts = urlsplit(gateway.base_url)
        self._key = gateway.api_key

    async def __aenter__(self) -> "GatewayConnection":
        self._reader, self._writer = await asyncio.open_connection(
            self._parts.hostname, self._parts.port
        )
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._writer.close()

    async def ask(self, command: Mapping[str, Any], wait_ms: int = 10_000) -> dict[str, Any]:
        """The result of a command that is done or taken down. Raises ``BenchError`` else."""
        body = json.dumps(command).encode()
        head = (
            f"POST /oms/commands?wait_ms={wait_ms} HTTP/1.1\r\nHost: {self._parts.netloc}\r\n"
            f"x-api-key: {self._key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        told = await self._reader.readuntil(b"\r\n\r\n")
        text = await self._reader.readexactly(content_length(told))
        if told.split(b" ", 2)[1] not in (b"200", b"202"):
            raise BenchError(f"{command['command']} answers {text[:500]!r}")
        result: dict[str, Any] = json.loads(text)["results"][0]
        return result


@contextlib.asynccontextmanager
async def _ccxt(venue: LoopbackExchange, key: Key) -> Any:
    """ccxt as a program has it that knows the exchange's limits by itself."""
    extra = dict(venue.startup["extra_config"]["bybit"])
    secrets = {"apiKey": key.name, "secret": key.secret, "enableRateLimit": False}
    exchange = ccxt.async_support.bybit({**extra, **secrets})
    exchange.set_sandbox_mode(True)
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


async def _in_turns(gateway: Gateway, venue: LoopbackExchange, key: Key, calls: int) -> Timings:
    """An order and its cancel by each way, one way after the other, ``calls`` times."""
    taken = Timings()
    async with _ccxt(venue, key) as exchange, GatewayConnection(gateway) as wire:
        for number in range(calls + 1):
            here = Timings() if number == 0 else taken  # the first opens connections

            async def by_ccxt(here: Timings = here) -> None:
                args = (SYMBOL, "limit", "buy", float(QTY), float(PRICE))
                made = await here.time(ORDER, CCXT, lambda: exchange.create_order(*args))
                await asyncio.sleep(PAUSE_SECONDS)
                name = made["id"]
                await here.time(CANCEL, CCXT, lambda: exchange.cancel_order(name, SYMBOL))

            async def by_oms(here: Timings = here) -> None:
                order = _order(key.account_id)
                made = await here.time(ORDER, OMS, lambda: wire.ask(order))
                await asyncio.sleep(PAUSE_SECONDS)
                cancel = _cancel(key.account_id, made["order_id"])
                await here.time(CANCEL, OMS, lambda: wire.ask(cancel))

            for way in (by_ccxt, by_oms) if number % 2 else (by_oms, by_ccxt):
                await asyncio.sleep(PAUSE_SECONDS)
                await way()
    return taken


async def _rates(
    gateway: Gateway, venue: LoopbackExchange, keys: Sequence[Key], seconds: float
) -> dict[str, float]:
    """Orders a second that stood at the exchange, over all accounts at once.

    Each account sends one after the other and cancels it; by the gateway the next order does not
    wait until the cancel is seen done.
    """
    args = (SYMBOL, "limit", "buy", float(QTY), float(PRICE))

    async def by_ccxt(key: Key, door: asyncio.Barrier) -> int:
        async with _ccxt(venue, key) as exchange:

            async def once() -> None:
                made = await exchange.create_order(*args)
                await exchange.cancel_order(made["id"], SYMBOL)

            return await _counted(once, door, seconds)

    async def by_oms(key: Key, door: asyncio.Barrier) -> int:
        async with GatewayConnection(gateway) as wire:

            async def once() -> None:
                made = await wire.ask(_order(key.account_id))
                await wire.ask(_cancel(key.account_id, made["order_id"]), wait_ms=0)

            return await _counted(once, door, seconds)

    found = {}
    for way, run in ((CCXT, by_ccxt), (OMS, by_oms)):
        door = asyncio.Barrier(len(keys))
        counts = await asyncio.gather(*(run(key, door) for key in keys))
        found[way] = sum(counts) / seconds
    return found


async def _counted(
    once: Callable[[], Awaitable[None]], door: asyncio.Barrier, seconds: float
) -> int:
    """How often ``once`` ended within the time, begun when all others begin."""
    await door.wait()
    ends, count = time.perf_counter() + seconds, 0
    while True:
        await once()
        if time.perf_counter() > ends:
            return count
        count += 1


def _print_latency(kind: str, taken: Timings) -> None:
    print(f"\n{kind}: one account at the loopback exchange, ms\n")
    print("| call | calls | ccxt p50 | ccxt p99 | oms p50 | oms p99 | p50 added | p99 added |")
    print("|---|---|---|---|---|---|---|---|")
    for call in (ORDER, CANCEL):
        ways = {way: taken.ms[call, way] for way in (CCXT, OMS)}
        p50, p99 = (
            {way: percentile(ms, share) for way, ms in ways.items()} for share in (0.5, 0.99)
        )
        cells = [p50[CCXT], p99[CCXT], p50[OMS], p99[OMS]]
        added = [
            f"{each[OMS] - each[CCXT]:.1f} ms, {each[OMS] / each[CCXT]:.2f}×" for each in (p50, p99)
        ]
        told = [*(f"{cell:.1f}" for cell in cells), *added]
        print(f"| `{call}` | {len(ways[OMS])} | {' | '.join(told)} |", flush=True)


def _print_rates(kind: str, rates: Mapping[str, float]) -> None:
    ratio = rates[OMS] / rates[CCXT] if rates[CCXT] else 0.0
    print(
        f"\n{kind}: orders placed and canceled, all accounts at once: ccxt {rates[CCXT]:.1f}/s,"
        f" oms {rates[OMS]:.1f}/s ({ratio:.2f}×)",
        flush=True,
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    text = "What the gateway adds to ccxt, and orders over many accounts."
    parser = argparse.ArgumentParser(prog="bench exchange", description=text)
    parser.add_argument("--quick", action="store_true", help="20 calls, 3 s")
    parser.add_argument("--calls", type=int, help="orders of each way; 300; quick: 20")
    parser.add_argument("--seconds", type=float, help="of each way over all accounts; 20; quick: 3")
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--databases", type=lambda t: t.split(","), default=["mariadb", "sqlite"])
    options = parser.parse_args(arguments)
    options.calls = options.calls or (20 if options.quick else 300)
    options.seconds = options.seconds or (3.0 if options.quick else 20.0)
    return options
