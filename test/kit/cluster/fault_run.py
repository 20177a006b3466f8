"""A run of a whole cluster under load while its parts are killed, paused and cut off in turns.

    make cluster-faults ARGS="--seed 1 --seconds 120"

Three Galera nodes, a HAProxy on each of five hosts, two API processes, three workers, Redis.
Clients repeat each command under its id until it has a final result, and send some of them twice at
once. In the end every node is compared with the answers that clients got, and ``oms verify`` runs.
Exit status: 0 if nothing was lost or doubled, else 1.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from kit.cluster.faults import ACTIONS, TARGETS, ClusterFaults, InjectedFault, Kind, one_round
from kit.cluster.hosts import ClusterHosts
from kit.databases.galera import GaleraCluster
from kit.databases.haproxy import USERS
from kit.gateway import durability_checks
from kit.load.lifecycle_load import TradingLoad

LEASE_SECONDS = 2
ACCOUNTS = 20
"""Accounts of each of two position modes."""

CLIENTS = 8
PAUSE_SECONDS = 0.1
ANSWER_SECONDS = 2.0
#: Nodes are evicted 1 to 3 s after their last message; a worker outlives its lease.
FAULT_SECONDS: dict[Kind | str, float] = {
    "kill": 1.0,
    "pause": 3.0,
    "cut": 3.0,
    ("kill", "node"): 3.0,
    ("pause", "node"): 5.0,
    ("cut", "node"): 5.0,
}
#: For one round in less than a minute.
SHORT_FAULT_SECONDS: dict[Kind | str, float] = {
    "kill": 0.5,
    "pause": 1.0,
    "cut": 1.0,
    ("pause", "worker"): LEASE_SECONDS + 0.5,
    ("cut", "worker"): LEASE_SECONDS + 0.5,
    ("pause", "node"): 4.0,
    ("cut", "node"): 3.0,
}
#: A longer time without any answer counts as unavailable.
GAP_SECONDS = 1.0
STEPS_MAX = 10**6


@dataclass(slots=True)
class RunReport:
    """What a run did and what it found."""

    seed: int
    faults: list[InjectedFault]
    answered_at: list[float]
    repeats: int
    sent_twice: int
    ended_alone: int
    aborted: dict[str, int]
    lost: int
    doubled: int
    #: What else was found wrong.
    problems: list[str] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Whether nothing was lost, doubled or found wrong."""
        return not (self.lost or self.doubled or self.problems)

    def gap_seconds(self, faults: list[InjectedFault]) -> float:
        """The longest time without any answer during these faults."""
        return max((self._longest_gap(fault) for fault in faults), default=0.0)

    def unavailable_seconds(self) -> float:
        """The sum of all times without an answer that are longer than ``GAP_SECONDS``."""
        moments = self.answered_at
        gaps = [later - at for at, later in pairwise(moments)]
        return sum(gap for gap in gaps if gap > GAP_SECONDS)

    def table(self) -> str:
        """The report as Markdown."""
        by_kind = defaultdict(list)
        for fault in self.faults:
            by_kind[fault.action, fault.target].append(fault)
        lines = ["| part | killed | paused | cut off |", "|---|---|---|---|"]
        for target in TARGETS:
            cells = [self._cell(by_kind[action, target]) for action in ACTIONS]
            lines.append(f"| {target} | {' | '.join(cells)} |")
        moments = self.answered_at
        lines += [
            "",
            "Each cell: how often, and the longest time without any answer meanwhile.",
            "",
            f"seed {self.seed}: {len(self.faults)} faults in {moments[-1] - moments[0]:.0f} s;"
            f" {len(moments)} commands, {self.repeats} repeated, {self.sent_twice} sent twice at"
            f" once; lost {self.lost}, doubled {self.doubled}; without any answer for more than"
            f" {GAP_SECONDS:g} s: {self.unavailable_seconds():.1f} s in all;"
            f" aborted transactions {self.aborted}; processes that ended alone {self.ended_alone}",
            *self.problems,
        ]
        return "\n".join(lines)

    def _cell(self, faults: list[InjectedFault]) -> str:
        return f"{len(faults)}, {self.gap_seconds(faults):.1f} s" if faults else "–"

    def _longest_gap(self, fault: InjectedFault) -> float:
        inside = [at for at in self.answered_at if fault.began_at <= at <= fault.ended_at]
        moments = [fault.began_at, *inside, fault.ended_at]
        return max(later - at for at, later in pairwise(moments))


def run_faults(
    folder: Path,
    cluster: GaleraCluster,
    seed: int,
    seconds: float | None = None,
    *,
    has_many_writers: bool = False,
) -> RunReport:
    """Run one round of short faults, or rounds for ``seconds``, and check what is stored."""
    cluster.nodes[0].create_database("cluster_faults")
    cluster.nodes[0].execute_file(USERS)
    environment = {"OMS_LEASE_SECONDS": str(LEASE_SECONDS)}
    hosts = ClusterHosts(
        folder, cluster, "cluster_faults", environment, has_many_writers=has_many_writers
    )
    try:
        hosts.start()
        return _run_load(hosts, seed, seconds)
    finally:
        hosts.stop()


def _run_load(hosts: ClusterHosts, seed: int, seconds: float | None) -> RunReport:
    aborted_before = hosts.cluster.aborted_transactions()
    load = TradingLoad(
        hosts.base_url,
        hosts.api_key,
        hosts.add_accounts(ACCOUNTS, position_mode="netting"),
        total=STEPS_MAX,
        clients=CLIENTS,
        answer_seconds=ANSWER_SECONDS,
        more_urls=hosts.urls[1:],
        pause_seconds=PAUSE_SECONDS,
        hedge_ids=hosts.add_accounts(ACCOUNTS, position_mode="hedge"),
        seed=seed,
    )
    lasting = SHORT_FAULT_SECONDS if seconds is None else FAULT_SECONDS
    faults = ClusterFaults(hosts=hosts, load=load, seed=seed, seconds=lasting)
    with load:
        load.allow(STEPS_MAX)
        _inject(faults, seed, seconds)
        load.issue_no_more()
        load.finish()
    aborted = hosts.cluster.aborted_transactions()
    report = RunReport(
        seed=seed,
        faults=faults.injected,
        answered_at=load.answered_at,
        repeats=load.repeats,
        sent_twice=load.duplicates,
        ended_alone=hosts.ended_alone,
        aborted={name: count - aborted_before[name] for name, count in aborted.items()},
        lost=0,
        doubled=0,
        problems=list(load.violations),
    )
    _check(hosts, load, report)
    return report


def _inject(faults: ClusterFaults, seed: int, seconds: float | None) -> None:
    if seconds is None:
        faults.run(one_round(seed))
        return
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        faults.run(one_round(seed + number), until)
        number += 1


def _check(hosts: ClusterHosts, load: TradingLoad, report: RunReport) -> None:
    """Compare every node with the answers that clients got."""
    for dsn in hosts.dsns:
        lost, doubled = durability_checks.count_lost_and_doubled(dsn, load.results)
        report.lost, report.doubled = max(report.lost, lost), max(report.doubled, doubled)
        try:
            durability_checks.check_commands(dsn, load.results)
            durability_checks.check_deals(dsn)
            durability_checks.check_numbers(dsn)
            durability_checks.check_id_order(dsn)
            durability_checks.check_tokens(dsn)
        except AssertionError as difference:
            report.problems.append(f"{dsn}: {difference}")
    verdict = hosts.verify()
    if not verdict["ok"]:
        report.problems.append(f"oms verify: {json.dumps(verdict)[:2000]}")


def main(arguments: list[str]) -> int:
    """Run the program. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make cluster-faults ARGS=...", description=__doc__)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--seconds", type=float, default=120.0)
    many = "proxies prefer different nodes, so that all nodes take writes"
    parser.add_argument("--many-writers", action="store_true", help=many)
    parser.add_argument("--keep", action="store_true", help="keep the logs of a good run too")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="omsrun"))
    with GaleraCluster(3) as cluster:
        report = run_faults(
            folder,
            cluster,
            options.seed,
            options.seconds,
            has_many_writers=options.many_writers,
        )
    print(report.table())
    if report.is_ok and not options.keep:
        shutil.rmtree(folder)
    else:
        print(f"logs: {folder}")
    return 0 if report.is_ok else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
