"""Many workers: three workers and two API processes share 200 accounts.

They work on one MariaDB, or on a Galera cluster with a proxy for each process, and Redis. Clients
trade over both addresses and repeat what is not answered; meanwhile processes are killed, or sleep
past their leases and wake up, and in the cluster every part fails in every way, all drawn from a
seed that is printed (OMS_TEST_SEED asks for one again). In the end the books are checked by plain
SQL, at every node, and by `oms verify`.
"""

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from kit.cluster.fault_run import run_faults
from kit.cluster.faults import one_round
from kit.databases.galera import GaleraCluster
from kit.databases.mariadb import PrivateMariaDB
from kit.faults.fleet_faults import FleetFaults
from kit.gateway import durability_checks
from kit.gateway.fleet import Fleet
from kit.load.lifecycle_load import TradingLoad
from kit.polling import wait_until

ACCOUNTS = 100
"""Accounts of each of two position modes."""

COMMANDS = 900
LEASE_SECONDS = 2.0
FAULTS = ["worker"] * 5 + ["api"] * 3 + ["sleep"] * 2

Fleets = Callable[[Sequence[str]], Fleet]


@pytest.fixture
def fleet_on(tmp_path: Path) -> Iterator[Fleets]:
    """Starts three workers and two API processes on the nodes of a database."""
    started: list[Fleet] = []

    def start(dsns: Sequence[str]) -> Fleet:
        lease = {"OMS_LEASE_SECONDS": str(LEASE_SECONDS)}
        started.append(Fleet(tmp_path / "fleet", dsns=dsns, environment=lease))
        started[0].start()
        return started[0]

    yield start
    for fleet in started:
        fleet.stop()


def test_many_workers_through_kills_and_sleep(fleet_on: Fleets, mariadb: PrivateMariaDB) -> None:
    mariadb.create_database("many_workers")
    fleet = fleet_on([mariadb.dsn("many_workers", driver="asyncmy")])
    _run_load(fleet, COMMANDS, list(FAULTS))


def test_a_cluster_behind_proxies_loses_and_doubles_nothing(
    tmp_path: Path, galera: GaleraCluster
) -> None:
    """One round of the faults of ``make cluster-faults``, with writers at all nodes."""
    seed = int(os.environ.get("OMS_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"OMS_TEST_SEED={seed}")
    report = run_faults(tmp_path, galera, seed, has_many_writers=True)
    print(report.table())
    assert (report.lost, report.doubled, report.problems) == (0, 0, [])
    assert {(fault.action, fault.target) for fault in report.faults} == set(one_round(seed))
    assert report.repeats > 0, "no request was interrupted: the test proves nothing"
    assert report.sent_twice > 0, "no request was sent twice concurrently"
    assert sum(report.aborted.values()) > 0, (
        "no write conflict ever occurred: one node would have been enough"
    )


def _run_load(fleet: Fleet, stories: int, fault_kinds: list[str]) -> None:
    seed = int(os.environ.get("OMS_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"OMS_TEST_SEED={seed}")
    netting = fleet.add_accounts(ACCOUNTS, position_mode="netting")
    hedge = fleet.add_accounts(ACCOUNTS, position_mode="hedge")
    spread = _spread(fleet)
    storm = TradingLoad(
        fleet.base_url,
        fleet.api_key,
        netting,
        total=stories,
        clients=12,
        more_urls=fleet.urls[1:],
        hedge_ids=hedge,
        seed=seed,
    )
    faults = FleetFaults(fleet=fleet, load=storm, seed=seed, lease_seconds=LEASE_SECONDS)
    with storm:
        faults.run(fault_kinds)
        storm.finish()
    print(f"shares before {spread} and after {_spread(fleet)}")
    print(
        f"{len(storm.results)} commands, {storm.duplicates} of them twice,"
        f" {storm.repeats} repeated; in flight {faults.in_flight_counts}"
    )
    assert len(faults.in_flight_counts) == len(fault_kinds)
    assert all(count for _, count in faults.in_flight_counts), (
        f"nothing was in flight: {faults.in_flight_counts}"
    )
    assert storm.repeats > 0, "no request was interrupted: the test proves nothing"
    assert storm.duplicates > 0, "no request was sent twice concurrently"
    _check(fleet, storm)


def _check(fleet: Fleet, storm: TradingLoad) -> None:
    assert storm.violations == []
    for dsn in fleet.dsns:
        durability_checks.check_commands(dsn, storm.results)
        durability_checks.check_deals(dsn)
        durability_checks.check_numbers(dsn)
        durability_checks.check_id_order(dsn)
        changes = durability_checks.check_tokens(dsn)
        assert changes > 0, "no account changed its worker: the tokens prove nothing"
    log = fleet.log.read_text(encoding="utf-8", errors="replace")
    assert "lease_lost" in log, "no process ever resumed without its leases"
    verdict = fleet.verify()
    assert verdict["ok"], json.dumps(verdict)[:2000]


def _spread(fleet: Fleet) -> dict[str, int]:
    """Return the share of each worker, once all accounts are leased and evenly distributed."""
    everything = 2 * ACCOUNTS + 2  # The first run creates two.
    fair = everything // len(fleet.workers)
    owners = {post.owner for post in fleet.workers}

    def fairly() -> dict[str, int]:
        lease_counts = fleet.lease_counts()
        is_fair = set(lease_counts) == owners and min(lease_counts.values()) >= fair // 2
        return lease_counts if is_fair and sum(lease_counts.values()) == everything else {}

    return wait_until(
        fairly, 20, f"{sorted(owners)} share {everything} accounts: {fleet.lease_counts()}"
    )
