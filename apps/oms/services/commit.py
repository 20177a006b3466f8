"""Write the drafts of many accounts in one durable transaction, then ring the bell.

What arrives together is written together: one commit carries the whole batch. An account whose
lease is gone falls out of it; if it is not known whether a commit happened, nothing held in memory
may be believed and the failure is raised for the worker to load every home anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.ports.ledger import LedgerStore
from oms.ports.wakeup import Doorbell, Topic
from oms.services.home import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Commits homes."""

    ledger: LedgerStore
    bell: Doorbell

    async def __call__(self, homes: Sequence[Home]) -> frozenset[int]:
        """Write all drafts; the ids of accounts whose lease is lost are returned.

        Raises ``Unavailable`` when the outcome is not known.
        """
        drafted = [home for home in homes if home.draft.has_content()]
        if not drafted:
            return frozenset()
        lost = await self.ledger.commit([home.batch() for home in drafted])
        finished: list[int] = []
        for home in drafted:
            if home.account.id not in lost:
                finished.extend(home.draft.results)
                home.settled()
        self.bell.ring(Topic.RESULTS, finished)
        return lost
