"""When a worker looks for free accounts, and among how many workers they are divided."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.ports.leases import WorkerRow
from oms.worker.leases import RENEWALS_PER_LEASE

ROUND_SECONDS_MAX = 0.5
SHORT_ROUND_SECONDS = 0.05

ALIVE_PART_OF_LEASE = 2 / 3
"""A worker whose last heartbeat is older than this part of a lease has no share."""


@dataclass(slots=True)
class LeaseRounds:
    """What the heartbeats of all workers mean for the next round.

    A worker that dies counts as ended before its leases expire, and rounds are short while they may
    expire: all its accounts are taken in the first round that finds them free, and soon.
    """

    #: The workers among which the accounts are divided.
    alive: int = 1
    #: Until the next round.
    wait_seconds: float = SHORT_ROUND_SECONDS

    def update(self, lease_seconds: float, workers: Sequence[WorkerRow]) -> None:
        """Take all heartbeats that are at most ``ROUND_SECONDS_MAX`` older than a lease."""
        ages = [worker.heartbeat_age_seconds for worker in workers]
        self.alive = sum(age <= lease_seconds * ALIVE_PART_OF_LEASE for age in ages)
        longest = min(lease_seconds / 3, ROUND_SECONDS_MAX)
        # The last renewal is older than the last heartbeat by its interval and a round at most.
        earliest = lease_seconds - lease_seconds / RENEWALS_PER_LEASE - longest
        waits = [max(earliest - age, SHORT_ROUND_SECONDS) for age in ages]
        self.wait_seconds = min([longest, *waits])
