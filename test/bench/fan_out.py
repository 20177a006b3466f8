"""The cost of a hundred WebSocket clients: the same events sent to one client and to all.

    .venv/bin/python test/bench/run.py fan_out [--quick] [--databases mariadb]

Commands are sent at a fixed rate, each causes about five events; the delay of every event is
measured from its commit, the `ts` of the frame. Client, gateway and database share the clock of
this machine. Then the same at the highest rate of commands: events delivered per second.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from bench import cpu_usage, load, systems
from bench.latency import percentile
from bench.load import Target
from bench.processes import BenchError
from bench.systems import System
from bench.ws_client import WsClient
from kit.databases.mariadb import MariaDBFailed, PrivateMariaDB

CLIENTS = (1, 100)
ACCOUNTS = (1, 10)
EVENTS_PER_COMMAND = 5
#: A hundred clients share the key, in addition to the connections of the load.
SETTINGS = {"OMS_EVENTS__SOCKETS_PER_KEY_MAX": "1000"}
SUBSCRIBED_SECONDS = 20.0
LAST_EVENT_SECONDS = 10.0
_QUIET_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOutResult:
    """One run; milliseconds from commit to client over all events and clients.

    ``events``: received by the client with the most; ``lost``: the sum of what others lack.
    """

    accounts: int
    clients: int
    p50_ms: float
    p99_ms: float
    events: int
    lost: int
    delivered_per_second: float
    api_us_per_frame: float


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status."""
    options = _options(arguments)
    lost = 0
    for kind in options.databases:
        with tempfile.TemporaryDirectory(prefix="omsfan") as name, contextlib.ExitStack() as stack:
            try:
                server = stack.enter_context(PrivateMariaDB())
                system = systems.gateway(
                    kind,
                    folder=Path(name),
                    server=server,
                    accounts=max(ACCOUNTS),
                    symbol="BTC/USDT:USDT",
                    qty="0.003",
                    settings=SETTINGS,
                )
                stack.callback(system.stop)
                system.start()
                paced = _rounds(system, options, options.rate)
                pushed = _rounds(system, options, 0)
            except (BenchError, MariaDBFailed) as error:
                print(f"bench: {error}", file=sys.stderr)
                return 2
        lost += sum(run.lost for one in (*paced, *pushed) for run in one)
        print(_table(f"{kind}, {options.rate} events/s", paced))
        print(_table(f"{kind}, as many as come", pushed), flush=True)
    return 1 if lost else 0


def _rounds(system: System, options: argparse.Namespace, rate: int) -> list[list[FanOutResult]]:
    """Returns the runs of all rounds by number of accounts and clients, interleaved."""
    plans = [(accounts, clients) for accounts in ACCOUNTS for clients in CLIENTS]
    runs: list[list[FanOutResult]] = [[] for _ in plans]
    gc.collect()
    gc.disable()
    for number in range(options.rounds):
        for (accounts, clients), rows in zip(plans, runs, strict=True):
            target = replace(system.target, accounts=system.target.accounts[:accounts])
            prefix = f"fan{rate}-{number}-{accounts}-{clients}"
            work = _run(system, target, clients, rate, options.seconds, prefix)
            rows.append(asyncio.run(work))
            print(f"{rate or 'all'} events/s: {rows[-1]}", flush=True)
    gc.enable()
    return runs


async def _run(
    system: System, target: Target, count: int, rate: int, seconds: float, prefix: str
) -> FanOutResult:
    loop, parts = asyncio.get_running_loop(), urlsplit(target.base_url)
    clients = [
        (await loop.create_connection(lambda: WsClient(target), parts.hostname, parts.port))[1]
        for _ in range(count)
    ]
    try:
        await _wait_subscribed(clients)
        before, started_at = cpu_usage.read(system.roles()), time.monotonic()
        if rate:
            await send_at_rate(target, rate / EVENTS_PER_COMMAND, seconds, prefix)
        else:
            await asyncio.to_thread(
                load.run,
                target,
                load.Load(name="fan", connections=4, batch=100),
                seconds=seconds,
                prefix=prefix,
            )
        await _wait_quiet(clients)
        elapsed = time.monotonic() - started_at - _QUIET_SECONDS
        usage = cpu_usage.between(before, cpu_usage.read(system.roles()))
    finally:
        for client in clients:
            client.close()
    return _summarize(clients, len(target.accounts), elapsed, usage.roles_us["api"])


def _summarize(
    clients: Sequence[WsClient], accounts: int, seconds: float, api_us: float
) -> FanOutResult:
    counts = [client.stats.count for client in clients]
    delays = [delay for client in clients for delay in client.stats.delays]
    return FanOutResult(
        accounts=accounts,
        clients=len(clients),
        p50_ms=percentile(delays, 0.5),
        p99_ms=percentile(delays, 0.99),
        events=max(counts),
        lost=sum(max(counts) - count for count in counts),
        delivered_per_second=sum(counts) / seconds,
        api_us_per_frame=api_us / max(sum(counts), 1),
    )


async def _wait_subscribed(clients: Sequence[WsClient]) -> None:
    try:
        async with asyncio.timeout(SUBSCRIBED_SECONDS):
            for client in clients:
                await client.stats.is_subscribed.wait()
    except TimeoutError:
        message = next(c.stats.last_message for c in clients if not c.stats.is_subscribed.is_set())
        raise BenchError(f"a WebSocket is not subscribed: {message[:500]!r}") from None


async def _wait_quiet(clients: Sequence[WsClient]) -> None:
    """Waits until no event has arrived for a while."""
    deadline = time.monotonic() + LAST_EVENT_SECONDS
    count, since = -1, time.monotonic()
    while time.monotonic() - since < _QUIET_SECONDS and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        current = sum(client.stats.count for client in clients)
        if current != count:
            count, since = current, time.monotonic()


async def send_at_rate(
    target: Target, commands_per_second: float, seconds: float, prefix: str
) -> None:
    """Sends market orders at a fixed rate on one connection; drops the responses."""
    parts = urlsplit(target.base_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    draining = asyncio.create_task(_drop_responses(reader))
    started_at = time.monotonic()
    for number in range(round(commands_per_second * seconds)):
        await asyncio.sleep(max(0.0, started_at + number / commands_per_second - time.monotonic()))
        round_number, index = divmod(number, len(target.accounts))
        command = {
            "account_id": target.accounts[index],
            "request_id": f"{prefix}-{number}",
            "command": "send_order",
            "payload": {
                "symbol": target.symbol,
                "side": "sell" if round_number % 2 else "buy",
                "order_type": "market",
                "qty": target.qty,
            },
        }
        body = json.dumps(command).encode()
        writer.write(
            f"POST /oms/commands?wait_ms=0 HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"x-api-key: {target.api_key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    draining.cancel()
    await asyncio.gather(draining, return_exceptions=True)
    await asyncio.sleep(0.2)
    writer.close()


async def _drop_responses(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        continue


def _table(title: str, runs: Sequence[Sequence[FanOutResult]]) -> str:
    heads = ["accounts", "clients", "p50 ms", "p99 ms", "p50 / one client", "p99 / one client"]
    heads += ["frames/s to clients", "API µs per frame", "events", "lost"]
    lines = [heads, ["---"] * len(heads)]
    for rows in runs:
        baseline = next(one for one in runs if one[0].accounts == rows[0].accounts)
        pairs = list(zip(rows, baseline, strict=True))
        medians = [
            statistics.median(values)
            for values in (
                [run.p50_ms for run in rows],
                [run.p99_ms for run in rows],
                [run.p50_ms / other.p50_ms for run, other in pairs],
                [run.p99_ms / other.p99_ms for run, other in pairs],
                [run.delivered_per_second for run in rows],
                [run.api_us_per_frame for run in rows],
                [run.events for run in rows],
                [run.lost for run in rows],
            )
        ]
        places = (1, 1, 2, 2, 0, 0, 0, 0)
        cells = [f"{value:.{place}f}" for value, place in zip(medians, places, strict=True)]
        lines.append([str(rows[0].accounts), str(rows[0].clients), *cells])
    return f"\n{title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench fan_out", description="Measures the cost of WebSocket clients."
    )
    parser.add_argument("--quick", action="store_true", help="1 round of 2 s")
    parser.add_argument("--rounds", type=int, help="5; quick: 1")
    parser.add_argument("--seconds", type=float, help="of one run; 4; quick: 2")
    parser.add_argument("--rate", type=int, default=100, help="events a second (100)")
    parser.add_argument("--databases", type=lambda t: t.split(","), default=["mariadb", "sqlite"])
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (2.0 if options.quick else 4.0)
    return options
