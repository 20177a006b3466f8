"""Counts the Python functions that API and worker call per command, in one process.

    .venv/bin/python test/bench/run.py calls [--limits] [--top 40]

Calls do not depend on the speed or the load of the machine, unlike time. The gateway runs on a new
SQLite file, wired as in the product; requests reach the application without a socket. All threads
are counted, built-in functions too. Two figures: all calls per command, and those of functions that
are called for nearly every command, which hardly vary with the size of the batches.
"""

import argparse
import asyncio
import contextlib
import cProfile
import itertools
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

from bench import risk_limits
from bench.load import LOADS, Load
from bench.processes import BenchError
from kit.gateway.in_process import ADMIN_KEY, MANUAL, TRADER, InProcessGateway, open_gateway
from oms.config import Settings
from oms.config_sections import CommandSettings, RateLimitSettings

ACCOUNTS = 16
WARM_UP = 3
#: Longer than usual: other work on the machine changes no counts.
WAIT_MS = 30_000
LEASE_SECONDS = 60
#: Share of the commands from which on a function counts as called for nearly every command.
NEARLY_EVERY = 0.9
SYMBOL = "BTC/USDT:USDT"

Calls = Counter[str]
_numbers = itertools.count()


class CallCounter:
    """Counts the calls of all threads that start while it is installed, and of this one."""

    def __init__(self) -> None:
        self._profiles: list[cProfile.Profile] = []
        self._own = cProfile.Profile()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Count the calls of this thread, and of each that starts meanwhile."""
        threading.setprofile(lambda *_: self._profile_thread())
        self._profiles.append(self._own)
        self._own.enable()
        try:
            yield
        finally:
            threading.setprofile(None)  # type: ignore[arg-type]
            self._own.disable()

    def calls(self) -> Calls:
        """Return how often each function has been called so far."""
        self._own.disable()  # The calls below are not the gateway's.
        counted: Calls = Counter()
        for profile in tuple(self._profiles):
            for entry in profile.getstats():
                counted[_name(entry.code)] += entry.callcount
        self._own.enable()
        return counted

    def _profile_thread(self) -> None:
        profile = cProfile.Profile()
        self._profiles.append(profile)
        profile.enable()


def main(arguments: Sequence[str]) -> int:
    """Count the calls of every load, and print them; returns the exit status."""
    options = _options(arguments)
    counter = CallCounter()
    with tempfile.TemporaryDirectory(prefix="omscalls") as folder, counter.installed():
        try:
            asyncio.run(_run(Path(folder), counter, options))
        except BenchError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
    return 0


async def _run(folder: Path, counter: CallCounter, options: argparse.Namespace) -> None:
    limit = 100_000_000
    limits = RateLimitSettings(
        read_per_second=limit,
        trade_per_second=limit,
        cancel_per_second=limit,
        ccxt_per_second=limit,
    )
    # A wait that a request names would add the rows of orders and deals to its response.
    commands = CommandSettings(default_wait_ms=WAIT_MS)
    settings = Settings().model_copy(
        update={"limits": limits, "commands": commands, "lease_seconds": LEASE_SECONDS}
    )
    async with open_gateway(f"sqlite+aiosqlite:///{folder / 'oms.sqlite'}", settings) as gateway:
        accounts = await _add_accounts(gateway)
        if options.limits:
            await _set_every_limit(gateway)
        print("| load | commands | calls per command | of functions called for nearly every one |")
        print("|---|---|---|---|")
        for load in LOADS:
            await _send(gateway, accounts, load, rounds=WARM_UP)
            before = counter.calls()
            count = await _send(gateway, accounts, load, rounds=options.rounds)
            calls = counter.calls()
            calls.subtract(before)
            _print(load, count, calls, options.top)


async def _add_accounts(gateway: InProcessGateway) -> Sequence[int]:
    """Create accounts at manual prices and a key for all; start the worker."""
    added = [await gateway.add_account(extra=MANUAL) for _ in range(ACCOUNTS - 1)]
    accounts = [gateway.account_id, *added]
    key = await gateway.add_key(
        "load", "oms_a-loader-for-benches-only", grants=dict.fromkeys(accounts, TRADER)
    )
    gateway.client = type(gateway.client)(gateway.app, key)
    gateway.start_worker()
    for account_id in accounts:
        await gateway.set_price(SYMBOL, "50000", account_id=account_id)
    return accounts


async def _set_every_limit(gateway: InProcessGateway) -> None:
    answer = await gateway.client(
        "PUT", "/risk/policy", risk_limits.every_limit(SYMBOL), key=ADMIN_KEY
    )
    if answer.status != 200:
        raise BenchError(f"the limits were not set: {answer.status} {answer.body[:500]!r}")


async def _send(
    gateway: InProcessGateway, accounts: Sequence[int], load: Load, *, rounds: int
) -> int:
    """Send rounds of requests, each connection one after the other. Returns how many commands."""

    async def connection(number: int) -> int:
        count = 0
        for turn in range(rounds if load.batch > 1 else rounds * 64 // load.connections):
            account_id = accounts[(number + turn * load.connections) % len(accounts)]
            count += await _request(gateway, account_id, load, turn)
        return count

    return sum(await asyncio.gather(*map(connection, range(load.connections))))


async def _request(gateway: InProcessGateway, account_id: int, load: Load, turn: int) -> int:
    """Send one request, alternating buy and sell. Raises ``BenchError`` if an order is not done."""
    commands: list[dict[str, Any]] = [
        {
            "account_id": account_id,
            "request_id": f"load-{next(_numbers)}",
            "command": "send_order",
            "payload": {
                "symbol": SYMBOL,
                "side": ("buy", "sell")[(turn + item) % 2],
                "order_type": "market",
                "qty": "0.003",
            },
        }
        for item in range(load.batch)
    ]
    body = commands if load.batch > 1 else commands[0]
    query = "?parallel=true" if load.batch > 1 else ""
    answer = await gateway.client("POST", f"/oms/commands{query}", body)
    if answer.status != 200 or answer.body.count(b'"done"') != load.batch:
        raise BenchError(f"{load.name}: {answer.status} {answer.body[:500]!r}")
    return load.batch


def _print(load: Load, count: int, calls: Calls, top: int) -> None:
    frequent = {name: number for name, number in calls.items() if number >= NEARLY_EVERY * count}
    every, each = sum(calls.values()) / count, sum(frequent.values()) / count
    print(f"| {load.name} | {count} | {every:.0f} | {each:.0f} |", flush=True)
    for name, number in sorted(frequent.items(), key=lambda item: -item[1])[:top]:
        print(f"    {number / count:7.2f}  {name}")


def _name(code: CodeType | str) -> str:
    if isinstance(code, str):
        return code
    path = code.co_filename.rpartition("/apps/oms/")[2].rpartition("/site-packages/")[2]
    return f"{path}:{code.co_firstlineno} {code.co_qualname}"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py calls", description="Count calls per command.")
    parser.add_argument("--limits", action="store_true", help="set every limit of a risk policy")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of requests of a load (10)")
    parser.add_argument("--top", type=int, default=0, help="list so many functions of each load")
    return parser.parse_args(arguments)
