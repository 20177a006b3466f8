"""What befalls the workers of a gateway in a storm: killed one by one or together, or frozen.

Of two workers one is frozen now and then until another has its accounts; when it wakes it must
send nothing of theirs.
"""

import os
import random
import signal
from dataclasses import dataclass

from kit.databases.sql import fetch_number, fetch_rows
from kit.faults.exchange_faults import INJECTED_BY_WORKER_FAULTS, ExchangeFaults
from kit.gateway.processes import Gateway
from kit.polling import wait_until

SECONDS_MAX = 30.0
_IN_FLIGHT = "SELECT COUNT(*) FROM oms_commands WHERE status = 'running'"
_OWNERS = "SELECT DISTINCT owner FROM account_leases WHERE owner <> ''"


@dataclass
class WorkerFaults:
    """Strikes when commands are in flight; of two workers, ``frozen`` of them freeze one."""

    gateway: Gateway
    days: ExchangeFaults
    chance: random.Random
    frozen: float = 0.2

    def inject(self) -> int:
        """Strike once; the number of commands in flight at that moment."""
        pids = self.gateway.worker_pids()
        is_alone = len(pids) < 2
        freezes = not is_alone and self.chance.random() < self.frozen
        # A ban stops an account for minutes: whoever has heard of it has to go.
        kills_all = is_alone or self.chance.random() < 0.6
        if kills_all and not freezes and INJECTED_BY_WORKER_FAULTS in self.days.kinds:
            self.days.inject(INJECTED_BY_WORKER_FAULTS)
            wait_until(
                lambda: not self.days.pending(INJECTED_BY_WORKER_FAULTS),
                SECONDS_MAX,
                "the ban struck",
            )
        found = wait_until(
            lambda: fetch_number(self.gateway.dsn, _IN_FLIGHT), SECONDS_MAX, "a command runs"
        )
        if is_alone:
            self.gateway.kill("worker")
        elif freezes:
            self._freeze(self.chance.choice(pids))
        else:
            self._kill(pids if kills_all else [self.chance.choice(pids)])
        return found

    def _kill(self, pids: list[int]) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            self.gateway.start_worker()

    def _freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: self._holds_nothing(pid), SECONDS_MAX, "another has its accounts")
        finally:
            os.kill(pid, signal.SIGCONT)

    def _holds_nothing(self, pid: int) -> bool:
        owners = fetch_rows(self.gateway.dsn, _OWNERS)
        return all(self.gateway.pid_of_owner(owner) != pid for (owner,) in owners)
