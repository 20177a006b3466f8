"""The cost per call of the driver and of ``/ccxt``, and the delay of ``watch_orders``.

.venv/bin/python test/bench/run.py driver [--quick] [--databases mariadb]
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import systems
from bench.driver import calls, watch
from bench.driver.calls import CallCosts
from bench.driver.watch import WatchDelays
from bench.latency import percentile
from bench.load import Target
from bench.processes import BenchError
from kit.databases.mariadb import MariaDBFailed, PrivateMariaDB
from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.gateway.processes import Gateway
from kit.http.client import call

GOAL_P99_MS = 20.0
RATES = (100, 500)
SYMBOL, QTY = "BTC/USDT:USDT", "0.003"
KEY = "bench"


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status, 1 if an event never arrived."""
    options = _options(arguments)
    missing = 0
    for kind in options.databases:
        with tempfile.TemporaryDirectory(prefix="omsdriver") as name:
            try:
                with contextlib.ExitStack() as stack:
                    missing += _measure_paper_account(kind, Path(name), options, stack)
            except (BenchError, MariaDBFailed) as error:
                print(f"bench: {error}", file=sys.stderr)
                return 2
    with tempfile.TemporaryDirectory(prefix="omsdriver") as name:
        _measure_loopback_account(Path(name), options)
    return 1 if missing else 0


def _measure_paper_account(
    kind: str, folder: Path, options: argparse.Namespace, stack: contextlib.ExitStack
) -> int:
    """Measures calls and delays on one database; returns the number of missing events."""
    server = stack.enter_context(PrivateMariaDB())
    system = systems.gateway(
        kind, folder=folder, server=server, accounts=2, symbol=SYMBOL, qty=QTY, settings={}
    )
    stack.callback(system.stop)
    system.start()
    size = {"rounds": options.rounds, "calls": options.calls}
    costs = calls.measure_driver(system.target, **size)
    _print(f"{kind}: the driver, ms (ratio to the same raw HTTP request)", costs)
    costs = calls.measure_gateway(system.target, **size)
    _print(f"{kind}: the gateway by raw HTTP, ms (ratio to the first)", costs)
    other = replace(system.target, accounts=system.target.accounts[1:])
    print(f"\n{kind}: from fill to the callback of watch_orders, ms\n")
    print("| events/s | fills | p50 | p99 | p50, bare socket | p99, bare socket | within |")
    print("|---|---|---|---|---|---|---|")
    return sum(_measure_watch(other, rate, options) for rate in RATES)


def _measure_watch(target: Target, rate: int, options: argparse.Namespace) -> int:
    runs = [
        watch.measure(
            target, events_per_second=rate, seconds=options.seconds, prefix=f"watch-{rate}-{number}"
        )
        for number in range(options.rounds)
    ]
    print(f"| {rate} | {_row(runs)} |", flush=True)
    return sum(run.missing for run in runs)


def _row(runs: Sequence[WatchDelays]) -> str:
    """Returns medians over the rounds, and the share of all callbacks within the goal."""
    cells = [
        statistics.median(percentile(getattr(run, which), share) for run in runs)
        for which in ("callback_ms", "bare_ms")
        for share in (0.5, 0.99)
    ]
    delays = [delay for run in runs for delay in run.callback_ms]
    within = sum(delay < GOAL_P99_MS for delay in delays) / max(len(delays), 1)
    fills = f"{sum(run.sent for run in runs)}"
    times = " | ".join(f"{cell:.1f}" for cell in cells)
    return f"{fills} | {times} | {within:.1%} < {GOAL_P99_MS:.0f} ms"


def _measure_loopback_account(folder: Path, options: argparse.Namespace) -> None:
    """Measures an account at the loopback exchange: ccxt alone, and through the gateway."""
    gateway = Gateway(folder, environment={**systems.NO_LIMITS})
    with run_loopback() as venue:
        try:
            gateway.start()
            account = create_loopback_account(
                venue, gateway, KEY, "loop-b", venue.startup["keys"]["loop-b"]
            )
            target = Target(
                base_url=gateway.base_url,
                api_key=gateway.api_key,
                accounts=[account],
                symbol=SYMBOL,
                qty=QTY,
            )
            costs = calls.compare_with_ccxt(
                target,
                venue.config("loop-a"),
                rounds=options.rounds,
                calls=max(options.calls // 10, 5),
            )
        finally:
            gateway.stop()
    _print("sqlite: an account at the loopback exchange, ms (ratio to ccxt itself)", costs)


def create_loopback_account(
    venue: LoopbackExchange, gateway: Gateway, label: str, key: str, secret: str
) -> int:
    """Creates an account at that exchange which the trader's key may trade; returns its id."""

    def send(method: str, path: str, body: object = None) -> Any:
        status, response, _ = call(gateway, method, path, body, key=gateway.admin_api_key)
        if status != 200:
            raise BenchError(f"{method} {path} returned {status} {response}")
        return response

    fields = {
        "exchange_id": "ccxt.bybit",
        "label": label,
        "environment": "testnet",
        "is_testnet": True,
        "position_mode": "netting",
        "risk_preset": "open",
        "extra_config_json": venue.startup["extra_config"]["bybit"],
    }
    account = int(send("POST", "/admin/accounts", fields)["account_id"])
    secrets = {"api_key": key, "secret": secret}
    send("PATCH", f"/admin/accounts/{account}", {"credentials": secrets})
    keys = send("GET", "/admin/users-api-keys")["items"]
    (key_id,) = (
        row["api_key_id"] for row in keys if gateway.api_key.startswith(str(row["key_prefix"]))
    )
    permissions = {"account_id": account, "can_read": True, "can_trade": True}
    send("PUT", f"/admin/api-keys/{key_id}/permissions", permissions)
    return account


def _print(title: str, costs: Sequence[CallCosts]) -> None:
    print(f"\n{title}\n")
    for each in costs:
        ways = ", ".join(f"{way} {ms:.2f} ({each.ratios[way]:.2f}×)" for way, ms in each.ms.items())
        print(f"- {each.name}: {ways}", flush=True)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench driver", description="Measures the overhead of the driver."
    )
    parser.add_argument("--quick", action="store_true", help="2 rounds of 50 calls and 3 s")
    parser.add_argument("--rounds", type=int, help="5; quick: 2")
    parser.add_argument("--calls", type=int, help="of each way a round; 200; quick: 50")
    parser.add_argument("--seconds", type=float, help="of one run of events; 10; quick: 3")
    parser.add_argument("--databases", type=lambda t: t.split(","), default=["mariadb", "sqlite"])
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.calls = options.calls or (50 if options.quick else 200)
    options.seconds = options.seconds or (3.0 if options.quick else 10.0)
    return options
