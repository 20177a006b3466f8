"""Write the drafts of many accounts in one durable transaction, then ring the bell.

What arrives together is written together: one commit carries the whole batch. An account whose
lease is gone falls out of it; if it is not known whether a commit happened, nothing held in memory
may be believed and the failure is raised for the worker to load every home anew.

The ring tells those who wait how their commands ended: it comes after the commit, so what it says
is what the database holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.commands.command import CommandResult
from oms.ports.clock import Clock
from oms.ports.ledger_store import AccountBatch, LedgerStore
from oms.ports.notifier import Notifier, Topic
from oms.wire.commands.result_codec import dump_result_notice


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitBatches:
    """Commits what homes have sent."""

    ledger: LedgerStore
    bell: Notifier
    clock: Clock

    async def __call__(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        """Write all batches; the ids of accounts whose lease is lost are returned.

        Raises ``Unavailable`` when the outcome is not known.
        """
        lost = await self.ledger.commit(batches)
        finished: dict[int, CommandResult] = {}
        for batch in batches:
            if batch.lease.account_id not in lost:
                finished.update(batch.results)
        now = self.clock.now()
        results = {
            command_id: dump_result_notice(result, now)
            for command_id, result in finished.items()
            if result.status.is_final and result.value is None
        }
        self.bell.notify(Topic.RESULTS, finished, results)
        return lost
