"""Positions with stop levels: the time until they are watched again, of their closes, and the CPU.

    .venv/bin/python test/bench/run.py stop_levels [--positions 5000] [--databases mariadb]

One worker holds paper accounts at manual prices. Each position has a stop loss of its own level
(a trailing stop as well in every second one), so that a price reaches a chosen number of them.
With `--kills 50` the worker is killed that often right after a price has reached levels; in the end
every position is closed once, or open with its levels.

With `--exchange bybit --kills 50` it is killed that often at chosen points of closes at the
loopback exchange instead (`bench.stops.exchange_stops`).
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import cpu_usage
from bench.latency import percentile
from bench.processes import BenchError, await_condition
from bench.stops import exchange_stops
from kit.databases.mariadb import MariaDBFailed, PrivateMariaDB
from kit.databases.sql import fetch_number, fetch_rows
from kit.gateway.in_process import MANUAL
from kit.gateway.processes import Gateway
from kit.http.client import call

SYMBOL = "BTC/USDT:USDT"
PRICE = 50_000
BATCH = 100
ROUNDS = 10
IDLE_SECONDS = 10.0
KILL_SECONDS_MAX = 0.2
SECONDS_MAX = 120.0
DATABASE = "stop_levels"


@dataclass(slots=True, kw_only=True)
class _Armed:
    """A gateway with one worker, and the accounts whose positions are armed."""

    gateway: Gateway
    worker: int
    accounts: Sequence[int]
    #: Each account has one position with the stop loss of every number below `PRICE` until here.
    depth: int
    price: int = PRICE
    closed: int = 0

    def set_price(self, price: int) -> None:
        """Set the price of all accounts without a wait for the worker."""
        self.price = price
        for account_id in self.accounts:
            body = {"account_id": account_id, "symbol": SYMBOL, "price": str(price)}
            _post(self.gateway, "/paper/price?wait_ms=0", body)

    def reach_next(self) -> None:
        """Let the price reach the next level of every account."""
        self.closed += len(self.accounts)
        self.set_price(self.price - 1)

    def await_closes(self) -> float:
        """Wait until all positions whose level was reached are closed; returns the seconds."""
        started = time.monotonic()
        await_condition(self._are_closed, seconds=SECONDS_MAX, what=f"{self.closed} closes")
        return time.monotonic() - started

    def worker_cpu_share(self) -> float:
        """The share of a core that the worker uses while nothing happens."""
        before = cpu_usage.read({"worker": self.worker})
        time.sleep(IDLE_SECONDS)
        usage = cpu_usage.between(before, cpu_usage.read({"worker": self.worker}))
        return usage.roles_us["worker"] / 1e6 / usage.seconds

    def _are_closed(self) -> bool:
        query = "SELECT COUNT(*) FROM oms_positions WHERE close_reason IN ('sl', 'trailing')"
        return fetch_number(self.gateway.dsn, query) == self.closed


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status."""
    options = _options(arguments)
    for kind in options.databases:
        with tempfile.TemporaryDirectory(prefix="omsstops") as name, contextlib.ExitStack() as st:
            try:
                if options.exchange:
                    figures = exchange_stops.measure(kind, Path(name), options)
                    _print_figures(f"{kind} at the loopback {options.exchange}", figures)
                    continue
                dsn = None
                if kind == "mariadb":
                    server = st.enter_context(PrivateMariaDB())
                    server.create_database(DATABASE)
                    dsn = server.dsn(DATABASE, driver="asyncmy")
                gateway = Gateway(Path(name), dsn=dsn, workers=1)
                st.callback(gateway.stop)
                _print_figures(kind, _measure(gateway, options))
            except (BenchError, MariaDBFailed) as error:
                print(f"bench: {error}", file=sys.stderr)
                return 2
    return 0


def _measure(gateway: Gateway, options: argparse.Namespace) -> dict[str, str]:
    gateway.start()
    accounts = gateway.add_accounts(options.accounts, position_mode="hedge", extra_config=MANUAL)
    armed = _Armed(
        gateway=gateway,
        worker=gateway.pid("worker"),
        accounts=accounts,
        depth=options.positions // options.accounts,
    )
    armed.set_price(PRICE)
    idle = armed.worker_cpu_share()
    _open_positions(armed)
    figures = {
        "positions with levels, accounts": f"{armed.depth * len(accounts)}, {len(accounts)}",
        "CPU of the idle worker, before and after they are armed": (
            f"{idle:.1%}, {armed.worker_cpu_share():.1%} of a core"
        ),
    }
    for _ in range(ROUNDS):
        armed.reach_next()
        armed.await_closes()
    delays = _close_delays(gateway)
    figures[f"trigger to stored close, {len(accounts)} at a time: p50, p99"] = (
        f"{percentile(delays, 0.50):.0f} ms, {percentile(delays, 0.99):.0f} ms"
    )
    figures["levels reached while no worker ran: all closed after its start, SIGTERM"] = (
        f"{_restart(armed, kill=False):.1f} s"
    )
    figures["the same after SIGKILL, with the end of its leases"] = (
        f"{_restart(armed, kill=True):.1f} s"
    )
    if options.kills:
        figures |= _kill_often(armed, options.kills)
    return figures


def _kill_often(armed: _Armed, kills: int) -> dict[str, str]:
    """Kill the worker after each of ``kills`` prices that reach levels; check the positions."""
    delays, moments = [], Counter[str]()
    for number in range(kills):
        armed.reach_next()
        time.sleep(KILL_SECONDS_MAX * number / kills)  # Spreads the kills over all steps.
        armed.gateway.kill("worker")
        moments += _steps(armed.gateway)
        started = time.monotonic()
        armed.worker = armed.gateway.start_worker()
        armed.await_closes()
        delays.append(time.monotonic() - started)
    _check_positions(armed)
    found = ", ".join(f"{count} {step}" for step, count in sorted(moments.items()))
    return {
        "kills, each with levels that were reached; lost, closed twice": f"{kills}; 0, 0",
        "closes at the kills": found,
        "from the start of the next worker until all are closed, median and worst": (
            f"{statistics.median(delays):.1f} s, {max(delays):.1f} s"
        ),
    }


def _steps(gateway: Gateway) -> Counter[str]:
    """Return how many closes, and prices that cause some, are in the queue."""
    waiting = fetch_number(
        gateway.dsn,
        "SELECT COUNT(*) FROM oms_commands WHERE status IN ('queued', 'running')"
        " AND request_id LIKE 'oms:stop:%'",
    )
    prices = fetch_number(
        gateway.dsn,
        "SELECT COUNT(*) FROM oms_commands WHERE status IN ('queued', 'running')"
        " AND command_type = 'paper_price'",
    )
    return Counter({"triggered and not executed": waiting, "with a price in the queue": prices})


def _check_positions(armed: _Armed) -> None:
    """Raise BenchError unless each position is closed by one order, or open with its stop loss."""
    rows = fetch_rows(
        armed.gateway.dsn,
        """SELECT p.id, p.state, p.stop_loss, COUNT(o.id) FROM oms_positions p
           LEFT JOIN oms_orders o ON o.position_id = p.id AND o.reason IN ('sl', 'trailing')
           AND o.status = 'FILLED' GROUP BY p.id, p.state, p.stop_loss""",
    )
    wrong = [
        row
        for row in rows
        if (row[1] == "closed") != (row[3] == 1) or (row[1] == "open" and row[2] is None)
    ]
    closed = sum(row[1] == "closed" for row in rows)
    if wrong or closed != armed.closed or len(rows) != armed.depth * len(armed.accounts):
        raise BenchError(f"{closed} closed of {armed.closed} reached; wrong: {wrong[:5]}")
    if not armed.gateway.verify()["ok"]:
        raise BenchError("verify has findings")


def _open_positions(armed: _Armed) -> None:
    """Open the positions of all accounts in batches."""
    for account_id in armed.accounts:
        for first in range(1, armed.depth + 1, BATCH):
            numbers = range(first, min(first + BATCH, armed.depth + 1))
            commands = [_entry(account_id, number) for number in numbers]
            answer = _post(armed.gateway, "/oms/commands?wait_ms=30000", commands)
            failed = [each for each in answer["results"] if not each.get("ok")]
            if failed:
                raise BenchError(f"an entry failed: {failed[0]}")


def _entry(account_id: int, number: int) -> dict[str, object]:
    trailing = {"stop_trailing_amount": str(PRICE // 2)} if number % 2 else {}
    return {
        "account_id": account_id,
        "command": "send_order",
        "payload": {
            "symbol": SYMBOL,
            "side": "buy",
            "order_type": "market",
            "qty": "0.01",
            "new_position": True,
            "stop_loss": str(PRICE - number),
            **trailing,
        },
    }


def _close_delays(gateway: Gateway) -> list[float]:
    """Milliseconds from each trigger, which stores the command, to the execution of its order."""
    rows = fetch_rows(
        gateway.dsn,
        """SELECT c.created_at, o.closed_at FROM oms_commands c
           JOIN oms_orders o ON o.command_id = c.id
           WHERE c.request_id LIKE 'oms:stop:%' AND o.status = 'FILLED'""",
    )
    return [(_seconds(closed) - _seconds(created)) * 1000 for created, closed in rows]


def _restart(armed: _Armed, *, kill: bool) -> float:
    """Seconds from the start of a new worker until all levels reached meanwhile are closed."""
    if kill:
        armed.gateway.kill("worker")
    else:
        armed.gateway.terminate("worker")
    armed.reach_next()
    started = time.monotonic()
    armed.worker = armed.gateway.start_worker()
    armed.await_closes()
    return time.monotonic() - started


def _seconds(value: object) -> float:
    """Return the seconds of a stored time: a `datetime` of MariaDB, text of SQLite."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC).timestamp()


def _post(gateway: Gateway, path: str, body: object) -> Any:
    status, answer, _ = call(gateway, "POST", path, body, seconds=60)
    if status not in (200, 202):
        raise BenchError(f"{path}: {status} {answer['detail']['message']}")
    return answer


def _print_figures(kind: str, figures: Mapping[str, str]) -> None:
    print(f"\n## Stop levels on {kind}\n\n| figure | measured |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value} |", flush=True)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench stop_levels", description="Measures positions with stop levels."
    )
    parser.add_argument("--positions", type=int, default=5000, help="of all accounts (5000)")
    parser.add_argument("--accounts", type=int, default=50, help="50")
    parser.add_argument("--kills", type=int, default=0, help="of the worker at triggers (0)")
    parser.add_argument("--exchange", choices=("bybit", "binance"), help="none: paper accounts")
    parser.add_argument("--seed", type=int, default=1, help="of sides and sizes there (1)")
    parser.add_argument("--databases", type=lambda t: t.split(","), default=["mariadb", "sqlite"])
    return parser.parse_args(arguments)
