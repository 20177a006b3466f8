"""Faults of the workers of a gateway under load: killed one by one, together, or stopped.

A fault follows another one only after half of the accounts trade again: a supervisor delays the
restart of a process that dies soon after each start, and one that is killed before it is ready
trades nothing.

Of two workers, one is sometimes stopped until the other has taken over its accounts; after it
continues, it must send nothing for them.
"""

import os
import random
import signal
import time
from dataclasses import dataclass, field

from kit.databases.sql import fetch_number, fetch_rows
from kit.exchanges.loopback_process import Json
from kit.faults.exchange_faults import INJECTED_BY_WORKER_FAULTS, ExchangeFaults
from kit.gateway.processes import Gateway
from kit.polling import wait_until

SECONDS_MAX = 60.0
RECOVERY_SECONDS_MAX = 120.0
_IN_FLIGHT = "SELECT COUNT(*) FROM oms_commands WHERE status = 'running'"
_OWNERS = "SELECT DISTINCT owner FROM account_leases WHERE owner <> ''"


@dataclass
class WorkerFaults:
    """Injects faults while commands run; of two workers, a share ``freeze_share`` stops one."""

    gateway: Gateway
    exchange_faults: ExchangeFaults
    #: Number of accounts that trade.
    accounts: int
    chance: random.Random
    freeze_share: float = 0.2
    #: Between each fault and the orders of half of the accounts.
    recovery_seconds: list[float] = field(default_factory=list)

    def inject(self) -> int:
        """Inject one fault, and wait until half of the accounts trade again.

        Returns the number of commands in flight at the time of the fault.
        """
        pids = self.gateway.worker_pids()
        is_single = len(pids) < 2
        is_freeze = not is_single and self.chance.random() < self.freeze_share
        # A ban stops an account for minutes: the workers that received it must be killed.
        kills_all = is_single or self.chance.random() < 0.6
        if kills_all and not is_freeze and INJECTED_BY_WORKER_FAULTS in self.exchange_faults.kinds:
            self.exchange_faults.inject(INJECTED_BY_WORKER_FAULTS)
            wait_until(
                lambda: not self.exchange_faults.pending(INJECTED_BY_WORKER_FAULTS),
                SECONDS_MAX,
                "the ban was triggered",
            )
        running = wait_until(
            lambda: fetch_number(self.gateway.dsn, _IN_FLIGHT), SECONDS_MAX, "a command runs"
        )
        began = time.monotonic()
        if is_single:
            self.gateway.kill("worker")
        elif is_freeze:
            self._freeze(self.chance.choice(pids))
        else:
            self._kill(pids if kills_all else [self.chance.choice(pids)])
        seen = max((row["number"] for row in self._requests(0)), default=0)
        wait_until(
            lambda: len({row["key"] for row in self._requests(seen)}) * 2 >= self.accounts,
            RECOVERY_SECONDS_MAX,
            "half of the accounts trade again",
        )
        self.recovery_seconds.append(time.monotonic() - began)
        return running

    def _kill(self, pids: list[int]) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            self.gateway.start_worker()

    def _freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(
                lambda: self._holds_nothing(pid), SECONDS_MAX, "another worker has its accounts"
            )
        finally:
            os.kill(pid, signal.SIGCONT)

    def _holds_nothing(self, pid: int) -> bool:
        owners = fetch_rows(self.gateway.dsn, _OWNERS)
        return all(self.gateway.pid_of_owner(owner) != pid for (owner,) in owners)

    def _requests(self, after: int) -> list[Json]:
        """The requests about orders that the exchange received after the one of this number."""
        rows = self.exchange_faults.venue.control("log", after=after)["log"]
        return [row for row in rows if row["client_id"] and row["method"] != "GET"]
