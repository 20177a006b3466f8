"""What befalls the workers of a gateway in a storm: killed one by one or together, or frozen.

Of two workers one is frozen now and then until another has its accounts; when it wakes it must
send nothing of theirs.
"""

import os
import random
import signal
from dataclasses import dataclass

from kit.bad_days import PLANTED_BY_KILLER, BadDays
from kit.gateway import Gateway
from kit.sql import number, rows
from kit.until import until

SECONDS_MAX = 30.0
_IN_FLIGHT = "SELECT COUNT(*) FROM oms_commands WHERE status = 'running'"
_OWNERS = "SELECT DISTINCT owner FROM account_leases WHERE owner <> ''"


@dataclass
class Strikes:
    """Strikes when commands are in flight; of two workers, ``frozen`` of them freeze one."""

    gateway: Gateway
    days: BadDays
    chance: random.Random
    frozen: float = 0.2

    def one(self) -> int:
        """Strike once; the number of commands in flight at that moment."""
        pids = self.gateway.worker_pids()
        is_alone = len(pids) < 2
        freezes = not is_alone and self.chance.random() < self.frozen
        # A ban stops an account for minutes: whoever has heard of it has to go.
        kills_all = is_alone or self.chance.random() < 0.6
        if kills_all and not freezes and PLANTED_BY_KILLER in self.days.kinds:
            self.days.plant(PLANTED_BY_KILLER)
            until(lambda: not self.days.waiting(PLANTED_BY_KILLER), SECONDS_MAX, "the ban struck")
        found = until(lambda: number(self.gateway.dsn, _IN_FLIGHT), SECONDS_MAX, "a command runs")
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
            until(lambda: self._holds_nothing(pid), SECONDS_MAX, "another has its accounts")
        finally:
            os.kill(pid, signal.SIGCONT)

    def _holds_nothing(self, pid: int) -> bool:
        owners = rows(self.gateway.dsn, _OWNERS)
        return all(self.gateway.pid_of_owner(owner) != pid for (owner,) in owners)
