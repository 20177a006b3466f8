"""Leases: a worker's timed right to be an account's home, measured by the database's clock.

The token rises by one with each takeover and stands in the lease and in the account's event
stream; ``ports.ledger`` writes only under it. Row 0 is the right to do the chores.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from oms.domain.value import value


@value
class Lease:
    """A right to one account, good until it is not renewed for ``lease_seconds``."""

    account_id: int
    token: int


@value
class WorkerRow:
    """A worker that told of itself."""

    worker_id: str
    host: str
    heartbeat_age_seconds: float
    status: str


class Leases(Protocol):
    """The lease table and the list of workers."""

    async def free(self, limit: int) -> Sequence[int]:
        """Account ids (0 too) whose lease nobody holds now, at most ``limit``."""
        ...

    async def acquire(
        self, owner: str, account_ids: Sequence[int], seconds: float
    ) -> Sequence[Lease]:
        """Take what is still free of ``account_ids``, with a new token each, in one transaction.

        Of accounts on the same credentials only the holder of the lowest id may take the others.
        """
        ...

    async def credential_followers(self) -> Mapping[int, int]:
        """Accounts on the credentials of one with a lower id, with the lowest such id."""
        ...

    async def renew(self, owner: str, leases: Sequence[Lease], seconds: float) -> Sequence[int]:
        """Extend; the account ids that are lost (expired, or another's) are returned."""
        ...

    async def release(self, owner: str, leases: Sequence[Lease]) -> None:
        """Give back, so that another may take at once."""
        ...

    async def release_all(self, owner: str) -> None:
        """Free at once what ``owner`` holds: a successor of that name knows that it is dead."""
        ...

    async def heartbeat(self, worker_id: str, host: str, status: str) -> None:
        """Tell that the worker lives; ``status`` is JSON text."""
        ...

    async def workers(self, alive_within_seconds: float) -> Sequence[WorkerRow]:
        """Workers whose heartbeat is younger than that."""
        ...

    async def forget_worker(self, worker_id: str) -> None:
        """Take the worker off the list (a clean stop)."""
        ...

    async def owners(self) -> Mapping[int, str]:
        """Who holds which account now; row 0 and free accounts are left out."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Live leases per owner, row 0 not counted."""
        ...
