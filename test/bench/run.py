"""The bench of oms-gateway, compared with floors and with the naive reference.

    .venv/bin/python test/bench/run.py [--quick] [--rounds 5] [--seconds 4]

It starts everything itself, prints a Markdown report and writes `var/bench.json`. Exit status: 0
if every check passed, 1 if one failed, 2 if the bench could not run.
Rates of a shared machine vary; the ratios of one run and the CPU per command are reliable.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pymysql

# Run as a script: the folder of the packages `bench` and `kit` is not an import root yet.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import (
    calls,
    compare,
    exchange_overhead,
    fan_out,
    floors,
    growth,
    load,
    signals,
    systems,
    web_desk,
)
from bench.backtests import engines, loop_delays
from bench.driver import metatrader, overhead
from bench.processes import BenchError
from bench.report import GATEWAYS, NAIVE, render
from bench.rounds import Rounds, Workload
from bench.stops import stop_levels
from bench.workers import worker_scaling
from bench.workers.worker_kills import KillResult, kill_worker_under_load
from kit.databases.mariadb import MariaDBFailed, PrivateMariaDB

REPOSITORY = Path(__file__).resolve().parents[2]
LATENCY_RATE = 100
#: Benches with options and tables of their own, by the first argument.
SEPARATE = {
    "growth": growth.main,
    "backtests": engines.main,
    "fan_out": fan_out.main,
    "loop_delays": loop_delays.main,
    "driver": overhead.main,
    "metatrader": metatrader.main,
    "exchange": exchange_overhead.main,
    "compare": compare.main,
    "calls": calls.main,
    "signals": signals.main,
    "stop_levels": stop_levels.main,
    "web_desk": web_desk.main,
    "workers": worker_scaling.main,
}
# The redo log has MariaDB's default size, which tests reduce; the buffer pool fits the tables.
SERVER_OPTIONS = ("--innodb-log-file-size=96M", "--innodb-buffer-pool-size=512M")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalServer:
    """A running MariaDB that allows root without a password."""

    port: int
    pid: None = None

    def create_database(self, name: str) -> None:
        with contextlib.closing(
            pymysql.connect(host="127.0.0.1", port=self.port, user="root")
        ) as connection:
            connection.cursor().execute(f"CREATE DATABASE {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All measurements."""

    floors: Mapping[str, int]
    throughput: Sequence[Workload]
    latency: Sequence[Workload]
    kills: Sequence[KillResult]

    def are_clean(self) -> bool:
        """Whether every check passed."""
        workloads = (*self.throughput, *self.latency)
        broken = [
            run.findings
            for workload in workloads
            for one in workload.rounds
            for run in one.values()
            if run.findings
        ]
        return not broken and not any(kill.findings for kill in self.kills)


def main() -> int:
    # On SIGTERM the started processes must be ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if sys.argv[1:2] and sys.argv[1] in SEPARATE:
        return SEPARATE[sys.argv[1]](sys.argv[2:])
    options = _options()
    with tempfile.TemporaryDirectory(prefix="omsbench") as name:
        folder = Path(name)
        try:
            load.require_wrk()
            with contextlib.ExitStack() as stack:
                results = _measure(options, folder, stack)
        except (BenchError, MariaDBFailed) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
        finally:
            if options.keep_logs:
                shutil.copytree(folder, options.keep_logs, ignore=_all_but_logs, dirs_exist_ok=True)
    _publish(options, results)
    return 0 if results.are_clean() else 1


def _measure(options: argparse.Namespace, folder: Path, stack: contextlib.ExitStack) -> Results:
    server: systems.Server
    if options.mariadb:
        server = ExternalServer(port=urlsplit(options.mariadb).port or 3306)
    else:
        server = stack.enter_context(PrivateMariaDB(SERVER_OPTIONS))
    measured_floors = _floors(options, folder, server)
    running = _start(options, folder, server, stack)
    rounds = Rounds(
        running,
        own_pids=[] if server.pid is None else [server.pid],
        count=options.rounds,
        spare=0 if options.quick else options.rounds,
        seconds=options.seconds,
        say=_say,
    )
    throughput = [rounds.throughput(shape) for shape in load.LOADS]
    latency = [rounds.open_loop(LATENCY_RATE, running)]
    gateways = [system for system in running if system.name != NAIVE]
    latency += [rounds.open_loop(rate, gateways) for rate in options.rates]
    kills = []
    for system in gateways:
        _say(f"killing the worker of {system.name} under load")
        kills.append(kill_worker_under_load(system))
    return Results(floors=measured_floors, throughput=throughput, latency=latency, kills=kills)


def _floors(options: argparse.Namespace, folder: Path, server: systems.Server) -> dict[str, int]:
    database = f"bench_floors_{os.getpid()}"
    server.create_database(database)
    measured = floors.measure(
        folder, host="127.0.0.1", port=server.port, database=database, seconds=options.seconds / 5
    )
    for name, rate in measured.items():
        _say(f"floor: {name} = {rate}")
    return measured


def _start(
    options: argparse.Namespace, folder: Path, server: systems.Server, stack: contextlib.ExitStack
) -> list[systems.System]:
    """Installs and starts the requested systems; the stack stops them."""
    trade = {"accounts": options.accounts, "symbol": options.symbol, "qty": options.qty}
    running = []
    for name in options.systems:
        _say(f"installing {name}")
        if name == NAIVE:
            system = systems.naive(folder=folder, server=server, **trade)
        else:
            kind = name.removeprefix("gateway/")
            settings = dict(setting.split("=", 1) for setting in options.env)
            system = systems.gateway(kind, folder=folder, server=server, settings=settings, **trade)
        stack.callback(system.stop)
        system.start()
        running.append(system)
    return running


def _publish(options: argparse.Namespace, results: Results) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    heading = (
        f"Bench of {stamp}: {options.rounds} rounds of {options.seconds:g} s,"
        f" {os.cpu_count()} cores, {options.accounts} accounts, {options.symbol}"
    )
    document = {
        "heading": heading,
        "floors": results.floors,
        "throughput": [workload.as_json() for workload in results.throughput],
        "latency": [workload.as_json() for workload in results.latency],
        "kills": [asdict(kill) for kill in results.kills],
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(document, indent=1) + "\n")
    print()
    print(
        render(
            heading=heading,
            floors=results.floors,
            throughput=results.throughput,
            latency=results.latency,
            kills=results.kills,
        )
    )


def _options() -> argparse.Namespace:
    names = (*GATEWAYS, NAIVE)
    parser = argparse.ArgumentParser(description="Measure oms-gateway against a naive design.")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 s: about two minutes")
    parser.add_argument("--rounds", type=int, help="undisturbed rounds (5)")
    parser.add_argument("--seconds", type=float, help="length of one run (4)")
    parser.add_argument("--accounts", type=int, help="accounts of each system (16; quick: 8)")
    parser.add_argument("--systems", type=_csv, default=list(names), help=f"CSV of {names}")
    parser.add_argument("--rates", type=_rates, default=[], help="more rates for latency: 500,1000")
    parser.add_argument("--mariadb", help="DSN of a running server, root@127.0.0.1:PORT")
    parser.add_argument("--symbol", default="BTC/USDT:USDT")
    parser.add_argument("--qty", default="0.003", help="of each order; above the least notional")
    parser.add_argument("--env", action="append", default=[], metavar="OMS_X=Y", help="setting")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "var" / "bench.json")
    parser.add_argument("--keep-logs", type=Path, help="copy the logs of all processes there")
    options = parser.parse_args()
    if unknown := set(options.systems) - set(names):
        parser.error(f"unknown systems: {', '.join(sorted(unknown))}")
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (2.0 if options.quick else 4.0)
    options.accounts = options.accounts or (8 if options.quick else 16)
    return options


def _csv(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _rates(text: str) -> list[int]:
    return [int(part) for part in _csv(text)]


def _all_but_logs(folder: str, names: list[str]) -> list[str]:
    inside = Path(folder)
    return [name for name in names if not (inside / name).is_dir() and not name.endswith(".log")]


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
