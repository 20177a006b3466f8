"""Throughput with several workers over many accounts, as ratios to one worker.

    .venv/bin/python test/bench/run.py workers [--workers 1 2 4] [--accounts 1000] [--rounds 3]

One gateway on MariaDB; in each round every number of workers is measured, in turn forwards and
backwards. A run begins when the accounts are shared evenly and each has executed a command. The
table names the processor time of a command by process, and how much of all cores was used: what is
at its limit is the next thing to scale.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import cpu_usage, load, seed_history, systems
from bench.processes import BenchError, await_condition
from bench.rounds import Rounds, Run
from bench.systems import System
from kit.databases.mariadb import MariaDBFailed, PrivateMariaDB
from kit.databases.sql import fetch_rows

SERVER_OPTIONS = ("--innodb-log-file-size=256M", "--innodb-buffer-pool-size=512M")
SHARED_SECONDS_MAX = 90.0
#: How many accounts more than its share one worker may own when a run begins.
UNEVEN_MAX = 0.05
LOADS = (
    load.Load(name="64 connections", connections=64),
    load.Load(name="batches of 100, 16 connections", connections=16, batch=100),
)
Measured = dict[tuple[str, int], list[Run]]


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="omsworkers") as name, contextlib.ExitStack() as stack:
        try:
            load.require_wrk()
            server = stack.enter_context(PrivateMariaDB(SERVER_OPTIONS))
            system = _started(Path(name), server, options.accounts)
            stack.callback(system.stop)
            measured = _measured(system, server, options)
        except (BenchError, MariaDBFailed) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
    print(_table(measured, options.workers))
    return 1 if any(run.findings for runs in measured.values() for run in runs) else 0


def _started(folder: Path, server: PrivateMariaDB, accounts: int) -> System:
    system = systems.gateway(
        "mariadb",
        folder=folder,
        server=server,
        accounts=1,
        symbol="BTC/USDT:USDT",
        qty="0.003",
        settings={},
    )
    ids = seed_history.copy_accounts(system.database_url, system.target.accounts[0], accounts)
    system.start()
    system.target = load.Target(
        base_url=system.target.base_url,
        api_key=system.target.api_key,
        accounts=ids,
        symbol=system.target.symbol,
        qty=system.target.qty,
    )
    return system


def _measured(system: System, server: PrivateMariaDB, options: argparse.Namespace) -> Measured:
    rounds = Rounds(
        [system],
        own_pids=[] if server.pid is None else [server.pid],
        count=1,
        spare=0,
        seconds=options.seconds,
        say=lambda line: print(line, flush=True),
    )
    # Each account is loaded by its first command.
    warm_up = load.Load(name="warm-up", connections=16)
    measured: Measured = {}
    for number in range(options.rounds):
        counts = options.workers if number % 2 == 0 else options.workers[::-1]
        for count in counts:
            print(f"round {number + 1}, {count} workers", flush=True)
            system.set_worker_count(count)
            _await_even_shares(system, count, options.accounts)
            rounds.throughput(warm_up)
            for shape in LOADS:
                (done,) = rounds.throughput(shape).rounds
                measured.setdefault((shape.name, count), []).extend(done.values())
    return measured


def _await_even_shares(system: System, workers: int, accounts: int) -> None:
    query = (
        "SELECT COUNT(*) FROM account_leases WHERE account_id > 0 AND owner <> '' GROUP BY owner"
    )
    share = accounts / workers

    def are_even() -> bool:
        owned = [int(row[0]) for row in fetch_rows(system.database_url, query)]
        is_shared = len(owned) == workers and sum(owned) == accounts
        return is_shared and max(owned) <= share * (1 + UNEVEN_MAX) + 1

    await_condition(
        are_even, seconds=SHARED_SECONDS_MAX, what=f"{workers} workers share the accounts evenly"
    )


def _table(measured: Measured, workers: Sequence[int]) -> str:
    heads = ("load", "workers", "rate", "ratio to the first", "p50", "p99")
    heads = (*heads, "API", "workers' sum", "database", "cores used")
    lines: list[Sequence[str]] = [heads, ["---"] * len(heads)]
    for shape in LOADS:
        first = measured[shape.name, workers[0]]
        for count in workers:
            runs = measured[shape.name, count]
            ratio = statistics.median(a.rate / b.rate for a, b in zip(runs, first, strict=True))
            rate = statistics.median(run.rate for run in runs)
            used = statistics.median(run.machine_us for run in runs) * rate / 1e6
            cells = [f"{statistics.median(run.p50_ms for run in runs):.0f} ms"]
            cells.append(f"{statistics.median(run.p99_ms for run in runs):.0f} ms")
            cells += [f"{_cpu_us(runs, role):.0f} µs" for role in ("api", "worker", "database")]
            cells.append(f"{used:.1f} of {cpu_usage.CORES}")
            lines.append([shape.name, str(count), f"{rate:.0f}/s", f"{ratio:.2f}", *cells])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"\nWorkers on {cpu_usage.CORES} cores, medians; processor time per command\n\n{table}"


def _cpu_us(runs: Sequence[Run], role: str) -> float:
    """Return the processor time of a command, of all processes whose role begins with ``role``."""
    return statistics.median(
        sum(used for name, used in run.cpu_us.items() if name.startswith(role)) for run in runs
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run.py workers", description="Compare numbers of workers."
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], help="numbers (1 2 4)")
    parser.add_argument("--accounts", type=int, default=1000, help="accounts, all used (1000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of all numbers (3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one run (5)")
    return parser.parse_args(arguments)
