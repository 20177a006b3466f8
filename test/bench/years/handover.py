"""How long accounts have no owner while workers are restarted one after the other.

    PYTHONPATH=test .venv/bin/python -m bench.years.handover [--accounts 1000] [--rounds 3]

Two workers of one gateway on MariaDB share the accounts. In each round both are replaced: SIGTERM,
then a new process, which gets its fair share. An observer reads all leases all the time. A time
without an owner is from the last look that found the old owner to the first one that found the
new: it is too long by up to two looks. Meanwhile a client sends orders to accounts in turn.
Exit status 1 if an order was not filled or ``oms verify`` finds something.
"""

import argparse
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import seed_history
from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import connect, fetch_number, fetch_rows
from kit.gateway.processes import Gateway, run_gateway
from kit.http.client import post_order
from kit.polling import wait_until

SERVER_OPTIONS = ("--innodb-log-file-size=96M", "--innodb-buffer-pool-size=512M")
SETTLED_SECONDS_MAX = 120.0
ANSWER_MS_MAX = 30_000
#: A worker keeps one account above its fair share, and one has the housekeeping.
SHARES_DIFFER_MAX = 6
Leases = dict[int, str]


@dataclass
class Observer:
    """Looks at the leases: times without an owner, in seconds, per account and change."""

    dsn: str
    gaps: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    _owners: Leases = field(default_factory=dict)
    _held_at: dict[int, float] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Look until the end."""
        with connect(self.dsn) as server:
            server.autocommit(True)
            cursor = server.cursor()
            while not stop.is_set():
                asked_at = time.monotonic()
                cursor.execute("SELECT account_id, owner FROM account_leases WHERE account_id > 0")
                self.see(dict(cursor.fetchall()), asked_at, time.monotonic())

    def see(self, owners: Leases, asked_at: float, now: float) -> None:
        """Take in one look."""
        self.looks.append(now)
        for account_id, owner in owners.items():
            if not owner:
                continue
            before = self._owners.get(account_id)
            if before is not None and before != owner:
                self.gaps.append(now - self._held_at[account_id])
            self._owners[account_id] = owner
            self._held_at[account_id] = asked_at


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status."""
    parser = argparse.ArgumentParser(prog="bench.years.handover", description="Restarts workers.")
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="omshandover") as name:
        with PrivateMariaDB(SERVER_OPTIONS) as server, _gateway(Path(name), server) as gateway:
            ids = seed_history.copy_accounts(
                gateway.dsn, gateway.netting_account_id, options.accounts
            )
            gateway.start_worker()
            _wait_for_shares(gateway)
            figures: dict[str, list[float]] = {"stopped": [], "shared": [], "answers": []}
            looks = []
            for number in range(options.rounds):
                for _ in range(2):
                    looks += _replace(gateway, ids, figures)
                print(f"round {number + 1} of {options.rounds}", flush=True)
            is_clean = gateway.verify()["ok"]
    _print(options.accounts, figures, looks)
    return 0 if is_clean else 1


@contextmanager
def _gateway(folder: Path, server: PrivateMariaDB) -> Iterator[Gateway]:
    server.create_database("handover")
    with run_gateway(
        Gateway(folder, dsn=server.dsn("handover", "asyncmy"), mariadb=server, workers=1)
    ) as running:
        yield running


def _replace(gateway: Gateway, ids: Sequence[int], figures: dict[str, list[float]]) -> list[float]:
    """Replaces the worker that has run longest; returns the times between looks."""
    observer, stop = Observer(gateway.dsn), threading.Event()
    threads = [threading.Thread(target=observer.run, args=(stop,))]
    threads.append(threading.Thread(target=_trade, args=(gateway, ids, figures["answers"], stop)))
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(observer.looks) > 3, 30, "leases are observed")
        old = gateway.worker_pids()[0]
        os.kill(old, signal.SIGTERM)
        _wait_for_shares(gateway, owners=1)
        seen = len(observer.looks)
        wait_until(lambda: len(observer.looks) > seen + 1, 30, "the observer has seen it")
        stopped = len(observer.gaps)
        wait_until(lambda: old not in gateway.worker_pids(), 30, "the old worker has ended")
        gateway.start_worker()
        _wait_for_shares(gateway)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    figures["stopped"] += observer.gaps[:stopped]
    figures["shared"] += observer.gaps[stopped:]
    return [later - earlier for earlier, later in pairwise(observer.looks)]


def _trade(
    gateway: Gateway, ids: Sequence[int], seconds: list[float], stop: threading.Event
) -> None:
    """Send orders to the accounts in turn; appends how long each took to be filled."""
    for number in range(1_000_000):
        if stop.is_set():
            return
        began = time.monotonic()
        # A stride that meets accounts of both workers.
        account_id = ids[number * 37 % len(ids)]
        answer: Any = post_order(gateway, account_id, wait_ms=ANSWER_MS_MAX)
        assert answer["results"][0]["status"] == "done", answer
        seconds.append(time.monotonic() - began)


def _wait_for_shares(gateway: Gateway, owners: int = 2) -> None:
    """Wait until all accounts are held, by that number of workers with equal shares."""
    free = "SELECT COUNT(*) FROM account_leases WHERE account_id > 0 AND owner = ''"
    held = "SELECT COUNT(*) FROM account_leases WHERE account_id > 0 GROUP BY owner"

    def is_shared() -> bool:
        if fetch_number(gateway.dsn, free):
            return False
        counts = [int(count) for (count,) in fetch_rows(gateway.dsn, held)]
        return len(counts) == owners and max(counts) - min(counts) <= SHARES_DIFFER_MAX

    wait_until(is_shared, SETTLED_SECONDS_MAX, f"{owners} workers share the accounts")


def _print(accounts: int, figures: dict[str, list[float]], looks: Sequence[float]) -> None:
    rows = {
        "without an owner, accounts of a worker that was stopped": figures["stopped"],
        "without an owner, accounts that a new worker got as its share": figures["shared"],
        "answers to orders sent meanwhile": figures["answers"],
        "between two looks at the leases": looks,
    }
    print(f"\n| {accounts} accounts, two workers, MariaDB | count | median | p99 | longest |")
    print("|---|---|---|---|---|")
    for name, seconds in rows.items():
        ordered = sorted(seconds) or [0.0]
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        figures_ms = (statistics.median(ordered), p99, ordered[-1])
        cells = " | ".join(f"{value * 1000:.1f} ms" for value in figures_ms)
        print(f"| {name} | {len(seconds)} | {cells} |", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
