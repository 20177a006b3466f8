"""Stop levels at the loopback exchange while the worker is killed, for ``stop_levels --exchange``.

Half of the accounts are watched by the gateway, the others by orders at the exchange. The books of
the exchange decide: every position must be closed once, with exactly its size.
"""

import argparse
import contextlib
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.processes import BenchError
from kit.databases.mariadb import PrivateMariaDB
from kit.exchanges.loopback_process import run_loopback
from kit.faults.exchange_stops import ExchangeStops, Kill, Point
from kit.gateway.loopback_accounts import add_loopback_accounts
from kit.gateway.processes import Gateway

DATABASE = "exchange_stops"
ACCOUNTS = 4
SETTINGS = ({"protection_mode": "emulated"}, {"protection_mode": "auto"})
#: Seconds without protection after a takeover, as far as nothing was perhaps sent before.
GOAL_SECONDS = 2.0


def measure(kind: str, folder: Path, options: argparse.Namespace) -> dict[str, str]:
    """Kill the worker ``options.kills`` times on one kind of database; returns the figures.

    Raises BenchError for the first position that is lost, closed twice or closed in another size.
    """
    with contextlib.ExitStack() as stack:
        server, dsn = None, None
        if kind == "mariadb":
            server = stack.enter_context(PrivateMariaDB())
            server.create_database(DATABASE)
            dsn = server.dsn(DATABASE, driver="asyncmy")
        venue = stack.enter_context(run_loopback())
        gateway = Gateway(folder, dsn=dsn, mariadb=server, workers=1)
        # Before the exchange: the gateway sends requests while it stops.
        stack.callback(gateway.stop)
        gateway.start()
        exchange_ids = [f"ccxtpro.{options.exchange}"] * ACCOUNTS
        accounts = add_loopback_accounts(
            gateway, venue, exchange_ids, SETTINGS * (ACCOUNTS // len(SETTINGS))
        )
        stops = ExchangeStops(gateway=gateway, venue=venue, accounts=accounts, seed=options.seed)
        loads = []
        try:
            for number in range(options.kills):
                stops.kill_at(stops.next_target())
                loads.append(os.getloadavg()[0])
                print(f"kill {number + 1}: {_line(stops.kills[-1])}", flush=True)
            stops.check()
        except AssertionError as failed:
            raise BenchError(f"after {len(stops.kills)} kills: {failed}") from failed
        return _figures(stops.kills, options) | {
            "load of the machine (1 minute), median": (
                f"{statistics.median(loads):.1f} of {os.cpu_count()} cores"
            )
        }


def _figures(kills: Sequence[Kill], options: argparse.Namespace) -> dict[str, str]:
    positions = sum(len(kill.watched) + len(kill.native) for kill in kills)
    sent = [seconds for point, seconds in _closes(kills) if point is Point.ORDER]
    free = [seconds for point, seconds in _closes(kills) if point in (Point.LEVEL, Point.COMMAND)]
    leases = [kill.lease_seconds for kill in kills]
    return {
        f"kills, positions; seed {options.seed}": f"{len(kills)}, {positions}",
        "closes lost, doubled, of another size": "0, 0, 0",
        "positions that the gateway watched, at the kills": _counted(
            point for kill in kills for point in kill.watched
        ),
        "positions with orders at the exchange, at the kills": _counted(
            point for kill in kills for point in kill.native
        ),
        "from the kill to the lease of the next worker: median, worst": _seconds(leases),
        "from its lease to the arrival of the close, where none was sent: median, worst": (
            f"{_seconds(free)}; {sum(each > GOAL_SECONDS for each in free)} above"
            f" {GOAL_SECONDS:g} s"
        ),
        "the same where a close was perhaps sent, and the exchange is asked": _seconds(sent),
    }


def _closes(kills: Sequence[Kill]) -> list[tuple[Point, float]]:
    return [each for kill in kills for each in kill.close_seconds]


def _counted(points: Iterable[Point]) -> str:
    counts = Counter(points)
    return "; ".join(f"{counts[point]} {point}" for point in Point if counts[point])


def _seconds(values: Sequence[float]) -> str:
    if not values:
        return "none"
    return f"{statistics.median(values):.2f} s, {max(values):.2f} s"


def _line(kill: Kill) -> str:
    closes = ", ".join(f"{seconds:.2f}" for _, seconds in kill.close_seconds)
    found = _counted([*kill.watched, *kill.native])
    return f"{kill.target.name}; {found}; lease {kill.lease_seconds:.2f} s; close {closes} s"
