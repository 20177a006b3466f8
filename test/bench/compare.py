"""Compares two trees of the gateway round by round, each on a database of its own.

    .venv/bin/python test/bench/run.py compare PATH/TO/OTHER/.venv/bin/oms [--rounds 10]
    .venv/bin/python test/bench/run.py compare --limits

With `--limits` both are this tree, and the first has every limit of a risk policy set.

Both gateways run at the same time on one MariaDB and take their load alternately, the first of a
round being the second of the next, so that a machine whose speed changes slows both. CPU per
command counts the API, the worker and the database. Exit status: 0 if every check passed.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import load, risk_limits, systems
from bench.processes import BenchError
from bench.rounds import Rounds, Run, Workload
from kit.databases.mariadb import MariaDBFailed, PrivateMariaDB

LATENCY_RATE = 100
TREES = ("this/mariadb", "other/mariadb")
ROLES = ("api", "worker", "database")


def main(arguments: Sequence[str]) -> int:
    """Runs the comparison; returns the exit status."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="omscompare") as name, contextlib.ExitStack() as stack:
        try:
            load.require_wrk()
            workloads = _measure(options, Path(name), stack)
        except (BenchError, MariaDBFailed) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
    print(_render(workloads))
    runs = [run for workload in workloads for one in workload.rounds for run in one.values()]
    return 1 if any(run.findings for run in runs) else 0


def _measure(
    options: argparse.Namespace, folder: Path, stack: contextlib.ExitStack
) -> list[Workload]:
    server = stack.enter_context(PrivateMariaDB())
    running = []
    for tree, oms in zip(TREES, (systems.OMS, options.other), strict=True):
        system = systems.gateway(
            "mariadb",
            folder=folder,
            server=server,
            accounts=options.accounts,
            symbol="BTC/USDT:USDT",
            qty="0.003",
            settings={},
            label=tree.removesuffix("/mariadb"),
            oms=oms,
        )
        stack.callback(system.stop)
        system.start()
        running.append(system)
    if options.limits:
        risk_limits.set_every_limit(running[0])
    rounds = Rounds(
        running,
        own_pids=[] if server.pid is None else [server.pid],
        count=options.rounds,
        spare=options.rounds,
        seconds=options.seconds,
        say=lambda line: print(line, flush=True),
        alternate=True,
    )
    workloads = [rounds.throughput(shape) for shape in load.LOADS]
    return [*workloads, rounds.open_loop(LATENCY_RATE, running)]


def paired_ratio(
    rounds: Sequence[Mapping[str, Run]], figure: Callable[[Run], float]
) -> tuple[float, float, float]:
    """Return the median, least and greatest ratio this/other of ``figure`` over the rounds.

    Raises ``ZeroDivisionError`` where the other tree has no figure, ``KeyError`` without a run.
    """
    this, other = TREES
    ratios = [figure(one[this]) / figure(one[other]) for one in rounds]
    return statistics.median(ratios), min(ratios), max(ratios)


def _render(workloads: Sequence[Workload]) -> str:
    heads = ("load", "rounds", "rate", "p50", "p99", "CPU per command")
    lines = [heads, ["---"] * len(heads)]
    figures: list[Callable[[Run], float]] = [
        lambda run: run.rate,
        lambda run: run.p50_ms,
        lambda run: run.p99_ms,
        lambda run: sum(run.cpu_us.get(role, 0.0) for role in ROLES),
    ]
    for workload in workloads:
        cells = []
        for figure in figures:
            median, least, most = paired_ratio(workload.rounds, figure)
            cells.append(f"{median:.3f} ({least:.2f} to {most:.2f})")
        name = f"{workload.name} (disturbed)" if workload.disturbed else workload.name
        lines.append([name, str(len(workload.rounds)), *cells])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return (
        f"\nRatios of this tree to the other, median (least to greatest) of the rounds\n\n{table}"
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py compare", description="Compare two trees.")
    parser.add_argument(
        "other",
        type=Path,
        nargs="?",
        default=systems.OMS,
        help="the oms executable of the other tree",
    )
    parser.add_argument("--limits", action="store_true", help="set every limit of the first")
    parser.add_argument("--rounds", type=int, default=10, help="undisturbed rounds (10)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one run (2)")
    parser.add_argument("--accounts", type=int, default=16, help="accounts of each gateway (16)")
    options = parser.parse_args(arguments)
    if not options.other.is_file():
        parser.error(f"{options.other} is no file")
    options.other = options.other.absolute()
    return options
