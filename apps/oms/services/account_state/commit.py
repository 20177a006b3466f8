"""Commit the units of work of many accounts in one durable transaction, then notify waiters.

All batches passed together share one commit. An account whose lease has expired is left out of it
and reported. If the outcome of a commit is unknown, the in-memory states can no longer be trusted:
the failure is raised and the worker reloads every account.

The notification carries the results of the finished commands. It is sent after the commit, so it
never reports anything that the database does not hold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oms.domain.commands.command import CommandResult
from oms.ports.clock import Clock
from oms.ports.ledger_store import AccountBatch, LedgerStore
from oms.ports.notifier import Notifier, Topic
from oms.wire.commands.result_codec import dump_result_notice


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitBatches:
    """Commits the batches of account states."""

    ledger: LedgerStore
    notifier: Notifier
    clock: Clock
    #: Called with each batch that was written.
    on_written: Callable[[AccountBatch], None] = lambda _: None

    async def __call__(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        """Write all batches. Returns the ids of accounts whose lease is lost.

        Raises ``Unavailable`` when the outcome of the commit is unknown.
        """
        lost = await self.ledger.commit(batches)
        finished: dict[int, CommandResult] = {}
        for batch in batches:
            if batch.lease.account_id not in lost:
                finished.update(batch.results)
                self.on_written(batch)
        now = self.clock.now()
        results = {
            command_id: dump_result_notice(result, now)
            for command_id, result in finished.items()
            if result.status.is_final and result.value is None
        }
        self.notifier.notify(Topic.RESULTS, finished, results)
        return lost
