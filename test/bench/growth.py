"""The cost of a long history and of many accounts, compared with an empty gateway.

    .venv/bin/python test/bench/run.py growth [--quick] [--databases mariadb]

Three gateways run side by side and are measured alternately: a hundred accounts without history,
the same with a million closed rows in every table, and ten thousand accounts with that history.
Ratios are medians over rounds. A fourth load uses all ten thousand accounts instead of a hundred.

    .venv/bin/python test/bench/run.py growth --sizes 100000,10000000 --databases mariadb

With ``--sizes`` the gateways have a hundred accounts and histories of these lengths; the first is
what the others are compared with. The databases are in ``$TMPDIR``.
"""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from bench import cpu_usage, load, seed_history, systems
from bench.checks import mariadb_database, sqlite_database
from bench.latency import percentile
from bench.processes import BenchError
from bench.processes import http as send_request
from bench.report import median, ratio
from bench.rounds import Rounds, Run, Workload
from bench.systems import System
from kit.databases.mariadb import MariaDBFailed, PrivateMariaDB
from kit.databases.sql import fetch_number

BUSY_ACCOUNTS = 100
LEASED_SECONDS = 120.0
IDLE_SECONDS = 4.0
READS_PER_ROUND = 60
#: The second account: wrk drops its first request, so that batches skip the first account.
READ_ACCOUNT = 1
SERVER_OPTIONS = ("--innodb-log-file-size=512M", "--innodb-buffer-pool-size=1G")
#: Old events are kept, so that all gateways have the same work.
SETTINGS = {"OMS_EVENTS__RETENTION_DAYS": "3650"}
LOADS = (
    load.Load(name="1 connection", connections=1),
    load.Load(name="16 connections", connections=16),
    load.Load(name="batches of 100, 4 connections", connections=4, batch=100),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySize:
    """The size of one gateway."""

    name: str
    accounts: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One line of the report: a value of each gateway, and its ratio to the first."""

    name: str
    values: Sequence[float | None]
    ratios: Sequence[float | None]


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status."""
    options = _options(arguments)
    shapes = [
        GatewaySize(name="empty", accounts=BUSY_ACCOUNTS, rows=0),
        GatewaySize(name="history", accounts=BUSY_ACCOUNTS, rows=options.rows),
        GatewaySize(name="many accounts", accounts=options.accounts, rows=options.rows),
    ]
    if options.sizes:
        shapes = [
            GatewaySize(name=f"rows_{rows}", accounts=BUSY_ACCOUNTS, rows=rows)
            for rows in options.sizes
        ]
    report: dict[str, Sequence[ReportRow]] = {}
    is_clean = True
    for kind in options.databases:
        with tempfile.TemporaryDirectory(prefix="omsgrowth") as name, contextlib.ExitStack() as st:
            try:
                server = st.enter_context(PrivateMariaDB(SERVER_OPTIONS))
                running = [_started(s, kind, Path(name), server, st) for s in shapes]
                report[kind], clean = _measured(running, server, options)
            except (BenchError, MariaDBFailed) as error:
                print(f"bench: {error}", file=sys.stderr)
                return 2
            is_clean = is_clean and clean
        print(_table(kind, shapes, report[kind]), flush=True)
    return 0 if is_clean else 1


def _started(
    shape: GatewaySize, kind: str, folder: Path, server: PrivateMariaDB, stack: contextlib.ExitStack
) -> System:
    """Starts a gateway of that size; returns it when all accounts are leased."""
    _say(f"installing {shape.name} on {kind}: {shape.accounts} accounts, {shape.rows} rows each")
    system = systems.gateway(
        kind,
        folder=folder,
        server=server,
        accounts=1,
        symbol="BTC/USDT:USDT",
        qty="0.003",
        settings=SETTINGS,
        label=shape.name,
    )
    url = system.database_url
    ids = seed_history.copy_accounts(url, system.target.accounts[0], shape.accounts)
    seed_history.fill_history(url, ids, shape.rows)
    path = urlsplit(url).path[1:]
    database = (
        sqlite_database(path)
        if kind == "sqlite"
        else mariadb_database("127.0.0.1", server.port, path)
    )
    system.checks = seed_history.NewRowChecks(database)
    stack.callback(system.stop)
    system.start()
    started_at = time.monotonic()
    leased = "SELECT COUNT(*) FROM account_leases WHERE owner <> '' AND account_id > 0"
    while fetch_number(url, leased) < shape.accounts:
        if time.monotonic() > started_at + LEASED_SECONDS:
            raise BenchError(
                f"{shape.name}: not all accounts are leased: {fetch_number(url, leased)}"
            )
        time.sleep(0.2)
    _say(f"{shape.name}: all leased {time.monotonic() - started_at:.1f} s after the first response")
    system.target = replace(system.target, accounts=ids[:BUSY_ACCOUNTS])
    return system


def _measured(
    running: Sequence[System], server: PrivateMariaDB, options: argparse.Namespace
) -> tuple[Sequence[ReportRow], bool]:
    names = [system.name for system in running]
    figures = [_idle(running)]
    rounds = Rounds(
        running,
        own_pids=[server.pid],
        count=options.rounds,
        spare=0,
        seconds=options.seconds,
        say=_say,
    )
    workloads = [rounds.throughput(shape) for shape in LOADS]
    for workload in workloads:
        figures.append(_line(f"{workload.name}, commands/s", workload, names, _rate))
        figures.append(_line(f"{workload.name}, CPU µs", workload, names, _cost))
    latency = rounds.open_loop(100, running)
    figures.append(_line("FILLED event at 100/s, p50 ms", latency, names, _p50))
    figures.append(_line("FILLED event at 100/s, p99 ms", latency, names, _p99))
    figures += _reads(running, options.rounds)
    figures.append(_takeovers(running, options.rounds))
    if not options.sizes:
        workloads += _every_account(running, rounds, figures, options.accounts)
    findings = [
        finding
        for workload in (*workloads, latency)
        for one in workload.rounds
        for run in one.values()
        for finding in run.findings
    ]
    return figures, not findings


def _every_account(
    running: Sequence[System], rounds: Rounds, figures: list[ReportRow], accounts: int
) -> list[Workload]:
    """Measures orders to all accounts of the widest gateway: the first, which load them; more."""
    names, workloads, widest = [system.name for system in running], [], running[-1]
    account_ids = range(widest.target.accounts[0], widest.target.accounts[0] + accounts)
    widest.target = replace(widest.target, accounts=account_ids)
    for name in ("first visit to each account", "all accounts, again"):
        everywhere = rounds.throughput(load.Load(name=name, connections=16))
        figures.append(_line(f"16 connections, {name}, commands/s", everywhere, names, _rate))
        workloads.append(everywhere)
    return workloads


def _takeovers(running: Sequence[System], rounds: int) -> ReportRow:
    """Measures how long after its start a worker has filled an order, its predecessor killed."""
    seconds: list[list[float]] = [[] for _ in running]
    for _ in range(rounds):
        for system, mine in zip(running, seconds, strict=True):
            system.kill_worker()
            expired = "SELECT COUNT(*) FROM account_leases WHERE expires_at > {now}"
            is_sqlite = system.database_url.startswith("sqlite")
            now = "strftime('%Y-%m-%dT%H:%M:%f', 'now')" if is_sqlite else "UTC_TIMESTAMP(6)"
            while fetch_number(system.database_url, expired.format(now=now)):
                time.sleep(0.05)
            started_at = time.monotonic()
            system.start_worker()
            _fill_order(system)
            mine.append(time.monotonic() - started_at)
    values = [statistics.median(mine) for mine in seconds]
    _say(f"start of a worker to a filled order: {', '.join(f'{each:.2f}' for each in values)} s")
    return ReportRow(
        name="start of a worker to a filled order, s",
        values=values,
        ratios=[value / values[0] for value in values],
    )


def _fill_order(system: System) -> None:
    payload = {"side": "buy", "order_type": "market", "qty": system.target.qty}
    body = {
        "account_id": system.target.accounts[READ_ACCOUNT],
        "command": "send_order",
        "payload": payload | {"symbol": system.target.symbol},
    }
    url = f"{system.target.base_url}/oms/commands?wait_ms=60000"
    status, text = send_request("POST", url, api_key=system.target.api_key, body=body, timeout=70)
    if status != 200 or '"done"' not in text:
        raise BenchError(f"{system.name}: an order returned {status} {text[:500]}")


def _idle(running: Sequence[System]) -> ReportRow:
    """Measures the CPU of each idle worker, in percent of a core."""
    time.sleep(1)
    before = [cpu_usage.read(system.roles()) for system in running]
    time.sleep(IDLE_SECONDS)
    used = []
    for system, reading in zip(running, before, strict=True):
        usage = cpu_usage.between(reading, cpu_usage.read(system.roles()))
        used.append(usage.roles_us["worker"] / usage.seconds / 10_000)
    _say(f"idle workers: {', '.join(f'{share:.1f} %' for share in used)} of a core")
    return ReportRow(name="idle worker, % of a core", values=used, ratios=[None] * len(used))


def _reads(running: Sequence[System], rounds: int) -> list[ReportRow]:
    """Measures sequential reads on one connection, alternating the gateways."""
    figures = []
    for name, path in _paths().items():
        medians: list[list[float]] = [[] for _ in running]
        for _ in range(rounds):
            for system, mine in zip(running, medians, strict=True):
                mine.append(_read_ms(system, path(system.target.accounts[READ_ACCOUNT])))
        ratios = [
            statistics.median(one / first for one, first in zip(mine, medians[0], strict=True))
            for mine in medians
        ]
        values = [statistics.median(mine) for mine in medians]
        _say(f"{name}: {', '.join(f'{value:.2f}' for value in values)} ms")
        figures.append(ReportRow(name=f"{name}, p50 ms", values=values, ratios=ratios))
    return figures


def _paths() -> Mapping[str, Callable[[int], str]]:
    return {
        "open orders": lambda one: f"/oms/orders/open?account_ids={one}",
        "open positions": lambda one: f"/oms/positions/open?account_ids={one}",
        "newest 100 orders": lambda one: (
            f"/oms/orders/history?account_ids={one}&cursor=aTA&sort=desc&page_size=100"
        ),
        "oldest 100 orders": lambda one: (
            f"/oms/orders/history?account_ids={one}&cursor=&sort=asc&page_size=100"
        ),
        "newest 100 deals": lambda one: (
            f"/oms/deals?account_ids={one}&cursor=aTA&sort=desc&page_size=100"
        ),
        "newest 100 commands": lambda one: (
            f"/oms/commands?account_ids={one}&cursor=aTA&sort=desc&page_size=100"
        ),
        "100 events from the end": lambda one: f"/oms/events?account_ids={one}&limit=100&after=END",
    }


def _read_ms(system: System, path: str) -> float:
    parts = urlsplit(system.target.base_url)
    headers = {"x-api-key": system.target.api_key}
    times = []
    with contextlib.closing(HTTPConnection(str(parts.hostname), parts.port)) as link:
        for _ in range(READS_PER_ROUND):
            if path.endswith("END"):
                heads = f"{path.removesuffix('END')}now"
                one, head = next(iter(_get(link, heads, headers)["heads"].items()))
                path = path.removesuffix("END") + f"{one}:{max(head - 100, 0)}"
            started_at = time.perf_counter()
            _get(link, path, headers)
            times.append((time.perf_counter() - started_at) * 1_000)
    return percentile(times, 0.5)


def _get(link: HTTPConnection, path: str, headers: Mapping[str, str]) -> dict[str, dict[str, int]]:
    link.request("GET", path, headers=dict(headers))
    response = link.getresponse()
    content = response.read()
    if response.status != 200:
        raise BenchError(f"{path} returned {response.status} {content[:300]!r}")
    body: dict[str, dict[str, int]] = json.loads(content)
    return body


def _line(
    name: str, workload: Workload, systems_: Sequence[str], figure: Callable[[Run], float]
) -> ReportRow:
    return ReportRow(
        name=name,
        values=[median(workload, system, figure) for system in systems_],
        ratios=[ratio(workload, system, systems_[0], figure) for system in systems_],
    )


def _rate(run: Run) -> float:
    return run.rate


def _cost(run: Run) -> float:
    return sum(run.cpu_us.values())


def _p50(run: Run) -> float:
    return run.p50_ms


def _p99(run: Run) -> float:
    return run.p99_ms


def _table(kind: str, shapes: Sequence[GatewaySize], figures: Sequence[ReportRow]) -> str:
    heads = [f"{s.name}: {s.accounts} accounts, {s.rows:.0e} rows" for s in shapes]
    lines = [["on " + kind, *heads], ["---"] * (len(shapes) + 1)]
    for one in figures:
        cells = [
            f"{'–' if value is None else f'{value:.3g}'}"
            + ("" if share is None else f" ({share:.2f}×)")
            for value, share in zip(one.values, one.ratios, strict=True)
        ]
        lines.append([one.name, *cells])
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench growth", description="Measures the cost of growth."
    )
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 s, 100 000 rows")
    parser.add_argument("--rounds", type=int, help="5; quick: 2")
    parser.add_argument("--seconds", type=float, help="of one run; 4; quick: 2")
    parser.add_argument("--rows", type=int, help="closed rows of each table; 1 000 000")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--databases", type=lambda t: t.split(","), default=["mariadb", "sqlite"])
    parser.add_argument(
        "--sizes",
        type=lambda t: [int(part) for part in t.split(",")],
        help="lengths of histories to compare, in place of the three gateways",
    )
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (2.0 if options.quick else 4.0)
    options.rows = options.rows or (100_000 if options.quick else 1_000_000)
    return options


def _say(line: str) -> None:
    print(line, flush=True)
