"""The overhead of oms-gateway over ccxt at an exchange, and the throughput of many accounts.

.venv/bin/python test/bench/run.py exchange [--quick] [--databases mariadb]

Both sides use the same loopback exchange in the same run. The baseline is ccxt itself in a program
that stores nothing: the same class and options, with its rate limiter off.
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
from bench.driver.calls import RawHttpClient
from bench.driver.overhead import create_loopback_account
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
#: An order, its cancel and the reads for them are six requests; the loopback exchange allows fifty
#: requests per second and key, a fifth of them cancels: with this pause no limit is reached.
PAUSE_SECONDS = 0.2
MONEY = {"USDT": "10000000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An account on both sides."""

    name: str
    secret: str
    account_id: int


@dataclass(slots=True)
class Timings:
    """Milliseconds by call and way."""

    ms: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    async def time(self, call: str, way: str, call_once: Callable[[], Awaitable[Any]]) -> Any:
        """Measures a call; returns its result."""
        started_at = time.perf_counter()
        result = await call_once()
        self.ms.setdefault((call, way), []).append((time.perf_counter() - started_at) * 1_000)
        return result


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status, 2 if it failed."""
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
        stack.callback(
            gateway.stop
        )  # before the exchange, because the gateway sends requests while it stops
        gateway.start()
        venue.control("price", symbol=SYMBOL, price=MARKET)
        keys = [_key(venue, gateway, f"bench-{n}") for n in range(options.accounts)]
        _wait_until_trading(gateway, keys)
        timings = asyncio.run(_measure_latency(gateway, venue, keys[0], options.calls))
        _print_latency(kind, timings)
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


def _wait_until_trading(gateway: Gateway, keys: Sequence[Key]) -> None:
    """Waits until every account has placed and canceled an order."""
    with RawHttpClient(_target(gateway, keys)) as raw:
        for key in keys:

            def is_open(key: Key = key) -> bool:
                response = raw.send("POST", "/oms/commands?wait_ms=10000", _order(key.account_id))
                row = response["results"][0]
                if row["status"] == "done":
                    body = _cancel(key.account_id, row["order_id"])
                    raw.send("POST", "/oms/commands?wait_ms=10000", body)
                return bool(row["status"] == "done")

            wait_until(lambda check=is_open: _false_on_error(check), 60, f"{key.name} trades")


def _false_on_error(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except BenchError:  # the key has no permission yet, or the account is not loaded
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
    """Returns a buy that rests below the market."""
    payload = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "qty": QTY, "price": PRICE}
    return {"account_id": account_id, "command": "send_order", "payload": payload}


def _cancel(account_id: int, order_id: int) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "command": "cancel_order",
        "payload": {"order_id": order_id},
    }


class GatewayConnection:
    """A keep-alive connection to the gateway."""

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

    async def send(self, command: Mapping[str, Any], wait_ms: int = 10_000) -> dict[str, Any]:
        """Returns the result of a command. Raises ``BenchError`` unless it is done or queued."""
        body = json.dumps(command).encode()
        head = (
            f"POST /oms/commands?wait_ms={wait_ms} HTTP/1.1\r\nHost: {self._parts.netloc}\r\n"
            f"x-api-key: {self._key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        response_head = await self._reader.readuntil(b"\r\n\r\n")
        text = await self._reader.readexactly(content_length(response_head))
        if response_head.split(b" ", 2)[1] not in (b"200", b"202"):
            raise BenchError(f"{command['command']} returned {text[:500]!r}")
        result: dict[str, Any] = json.loads(text)["results"][0]
        return result


@contextlib.asynccontextmanager
async def _ccxt(venue: LoopbackExchange, key: Key) -> Any:
    """Yields ccxt as in a program that respects the exchange's limits itself."""
    extra = dict(venue.startup["extra_config"]["bybit"])
    secrets = {"apiKey": key.name, "secret": key.secret, "enableRateLimit": False}
    exchange = ccxt.async_support.bybit({**extra, **secrets})
    exchange.set_sandbox_mode(True)
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


async def _measure_latency(
    gateway: Gateway, venue: LoopbackExchange, key: Key, calls: int
) -> Timings:
    """Places and cancels an order by each way, alternately, ``calls`` times."""
    timings = Timings()
    async with _ccxt(venue, key) as exchange, GatewayConnection(gateway) as connection:
        for number in range(calls + 1):
            here = Timings() if number == 0 else timings  # the first iteration opens connections

            async def by_ccxt(here: Timings = here) -> None:
                args = (SYMBOL, "limit", "buy", float(QTY), float(PRICE))
                created = await here.time(ORDER, CCXT, lambda: exchange.create_order(*args))
                await asyncio.sleep(PAUSE_SECONDS)
                name = created["id"]
                await here.time(CANCEL, CCXT, lambda: exchange.cancel_order(name, SYMBOL))

            async def by_oms(here: Timings = here) -> None:
                order = _order(key.account_id)
                created = await here.time(ORDER, OMS, lambda: connection.send(order))
                await asyncio.sleep(PAUSE_SECONDS)
                cancel = _cancel(key.account_id, created["order_id"])
                await here.time(CANCEL, OMS, lambda: connection.send(cancel))

            for way in (by_ccxt, by_oms) if number % 2 else (by_oms, by_ccxt):
                await asyncio.sleep(PAUSE_SECONDS)
                await way()
    return timings


async def _rates(
    gateway: Gateway, venue: LoopbackExchange, keys: Sequence[Key], seconds: float
) -> dict[str, float]:
    """Returns the orders per second placed at the exchange, over all accounts concurrently.

    Each account places one order after the other and cancels it; through the gateway the next
    order does not wait for the completion of the cancel.
    """
    args = (SYMBOL, "limit", "buy", float(QTY), float(PRICE))

    async def by_ccxt(key: Key, barrier: asyncio.Barrier) -> int:
        async with _ccxt(venue, key) as exchange:

            async def once() -> None:
                created = await exchange.create_order(*args)
                await exchange.cancel_order(created["id"], SYMBOL)

            return await _counted(once, barrier, seconds)

    async def by_oms(key: Key, barrier: asyncio.Barrier) -> int:
        async with GatewayConnection(gateway) as connection:

            async def once() -> None:
                created = await connection.send(_order(key.account_id))
                await connection.send(_cancel(key.account_id, created["order_id"]), wait_ms=0)

            return await _counted(once, barrier, seconds)

    rates = {}
    for way, run in ((CCXT, by_ccxt), (OMS, by_oms)):
        barrier = asyncio.Barrier(len(keys))
        counts = await asyncio.gather(*(run(key, barrier) for key in keys))
        rates[way] = sum(counts) / seconds
    return rates


async def _counted(
    once: Callable[[], Awaitable[None]], barrier: asyncio.Barrier, seconds: float
) -> int:
    """Returns how often ``once`` completed within the time, started with all others."""
    await barrier.wait()
    ends, count = time.perf_counter() + seconds, 0
    while True:
        await once()
        if time.perf_counter() > ends:
            return count
        count += 1


def _print_latency(kind: str, timings: Timings) -> None:
    print(f"\n{kind}: one account at the loopback exchange, ms\n")
    print("| call | calls | ccxt p50 | ccxt p99 | oms p50 | oms p99 | p50 added | p99 added |")
    print("|---|---|---|---|---|---|---|---|")
    for call in (ORDER, CANCEL):
        ways = {way: timings.ms[call, way] for way in (CCXT, OMS)}
        p50, p99 = (
            {way: percentile(ms, share) for way, ms in ways.items()} for share in (0.5, 0.99)
        )
        cells = [p50[CCXT], p99[CCXT], p50[OMS], p99[OMS]]
        added = [
            f"{each[OMS] - each[CCXT]:.1f} ms, {each[OMS] / each[CCXT]:.2f}×" for each in (p50, p99)
        ]
        texts = [*(f"{cell:.1f}" for cell in cells), *added]
        print(f"| `{call}` | {len(ways[OMS])} | {' | '.join(texts)} |", flush=True)


def _print_rates(kind: str, rates: Mapping[str, float]) -> None:
    ratio = rates[OMS] / rates[CCXT] if rates[CCXT] else 0.0
    print(
        f"\n{kind}: orders placed and canceled, all accounts at once: ccxt {rates[CCXT]:.1f}/s,"
        f" oms {rates[OMS]:.1f}/s ({ratio:.2f}×)",
        flush=True,
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    text = "Measures the overhead over ccxt, and the throughput of many accounts."
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
