"""Write the drafts of many accounts in one durable transaction, then ring the bell.

What arrives together is written together: one commit carries the whole batch. An account whose
lease is gone falls out of it; if it is not known whether a commit happened, nothing held in memory
may be believed and the failure is raised for the worker to load every home anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.ports.ledger import AccountBatch, LedgerStore
from oms.ports.wakeup import Doorbell, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Commits what homes have sent."""

    ledger: LedgerStore
    bell: Doorbell

    async def __call__(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        """Write all batches; the ids of accounts whose lease is lost are returned.

        Raises ``Unavailable`` when the outcome is not known.
        """
        lost = await self.ledger.commit(batches)
        finished: list[int] = []
        for batch in batches:
            if batch.lease.account_id not in lost:
                finished.extend(batch.results)
        self.bell.ring(Topic.RESULTS, finished)
        return lost
