"""Leases: a worker's exclusive, timed ownership of an account, by the clock of the database.

The token increases with every takeover and is stored in the lease and in the account's event
stream; ``ports.ledger_store`` writes only with the current token. Row 0 is the lease of the
housekeeping tasks.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from oms.domain.value import value

WORKER_ALIVE_SECONDS = 15.0
"""A worker whose last heartbeat is older counts as ended."""


@value
class Lease:
    """Ownership of one account, valid until it is not renewed for ``lease_seconds``."""

    account_id: int
    token: int


@value
class WorkerRow:
    """A worker with its last heartbeat."""

    worker_id: str
    host: str
    heartbeat_age_seconds: float
    status: str


class Leases(Protocol):
    """The lease table and the list of workers."""

    async def free(self, limit: int) -> Sequence[int]:
        """Return account ids (including 0) without a valid lease, at most ``limit``."""
        ...

    async def acquire(
        self, owner: str, account_ids: Sequence[int], seconds: float
    ) -> Sequence[Lease]:
        """Acquire those of ``account_ids`` that are free, with a new token each, in one
        transaction.

        Of accounts with the same credentials only the owner of the lowest id may acquire the
        others.
        """
        ...

    async def credential_followers(self) -> Mapping[int, int]:
        """Return accounts that share credentials with a lower id, mapped to the lowest such id."""
        ...

    async def renew(self, owner: str, leases: Sequence[Lease], seconds: float) -> Sequence[int]:
        """Extend leases; returns the account ids whose lease is lost (expired or taken over)."""
        ...

    async def release(self, owner: str, leases: Sequence[Lease]) -> None:
        """Release leases, so that others may acquire them immediately."""
        ...

    async def release_all(self, owner: str) -> None:
        """Release everything that ``owner`` holds; called by its restarted successor."""
        ...

    async def heartbeat(self, worker_id: str, host: str, status: str) -> None:
        """Record that the worker is alive; ``status`` is JSON text."""
        ...

    async def workers(self, alive_within_seconds: float) -> Sequence[WorkerRow]:
        """Return workers whose heartbeat is younger than that."""
        ...

    async def forget_worker(self, worker_id: str) -> None:
        """Remove the worker from the list (clean shutdown)."""
        ...

    async def owners(self) -> Mapping[int, str]:
        """Return the current owner by account; row 0 and free accounts are left out."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Return the number of valid leases per owner, without row 0."""
        ...
