"""Injects faults into a fleet under load; targets, times and kinds are derived from a seed.

A process is first stopped (SIGSTOP) until work is waiting for it, so that every fault hits commands
in flight. Then it is killed, or it stays stopped until its lease has expired and continues as an
owner that does not know it. A fault without commands in flight is a failure.
"""

import random
import signal
import time
from dataclasses import dataclass, field

from kit.gateway.fleet import Fleet, ProcessSlot
from kit.load.command_load import CommandLoad
from kit.polling import wait_until

FAULT_SECONDS_MAX = 30.0
#: Time for work to queue up for a stopped process before it is continued.
GATHER_SECONDS = 0.4


@dataclass(slots=True, kw_only=True)
class FleetFaults:
    """Injects faults into a fleet that is under load."""

    fleet: Fleet
    load: CommandLoad
    seed: int
    lease_seconds: float
    #: (kind, commands in flight) of each fault, in order.
    in_flight_counts: list[tuple[str, int]] = field(default_factory=list)

    def run(self, kinds: list[str]) -> None:
        """Injects all ``kinds`` (``worker``, ``api``, ``sleep``) in random order."""
        random_source = random.Random(self.seed)
        random_source.shuffle(kinds)
        for number, kind in enumerate(kinds, start=1):
            share = self.load.total * number // (len(kinds) + 1)
            self.load.allow(share + self.load.total // len(kinds))
            self.load.wait_until_busy(answered=share)
            self.inject_fault(kind, random_source)

    def inject_fault(self, kind: str, random_source: random.Random) -> None:
        """Inject one fault."""
        slots = self.fleet.apis if kind == "api" else self.fleet.workers
        slot = random_source.choice(slots)
        self.in_flight_counts.append((kind, self._stop_with_work(slot)))
        if kind == "sleep":
            resume_at = time.monotonic() + self.lease_seconds + 1.0
            wait_until(lambda: time.monotonic() > resume_at, 60, "the lease expires")
            slot.signal(signal.SIGCONT)
            return
        self.fleet.kill_process(slot)
        self.fleet.start_process(
            slot, keeps_name=slot.role == "worker" and random_source.random() < 0.5
        )
        if slot.role == "api":
            self.fleet.wait_ready(slot)

    def _stop_with_work(self, slot: ProcessSlot) -> int:
        """Stop the process when work waits for it; returns how much."""
        deadline = time.monotonic() + FAULT_SECONDS_MAX
        while time.monotonic() < deadline:
            if slot.role == "worker":
                wait_until(
                    lambda: self._has_leases(slot), FAULT_SECONDS_MAX, f"{slot.owner} has work"
                )
            slot.signal(signal.SIGSTOP)
            gather_until = time.monotonic() + GATHER_SECONDS
            while time.monotonic() < gather_until:
                if waiting_count := self._waiting(slot):
                    return waiting_count
            slot.signal(signal.SIGCONT)
            self.load.add(self.load.clients)  # the allowed commands may be used up
        raise AssertionError(f"nothing was ever in flight at {slot.role} {slot.number}")

    def _has_leases(self, slot: ProcessSlot) -> bool:
        """Whether the worker has leases; a new one acquires them with a delay."""
        return self.fleet.lease_counts().get(slot.owner, 0) > 0

    def _waiting(self, slot: ProcessSlot) -> int:
        if slot.role == "api":
            return self.load.in_flight(slot.base_url)
        return self.fleet.queued_for(slot)
