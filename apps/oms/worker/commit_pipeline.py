"""One commit on its way while the next one is being drafted.

Commits reach the database one after the other; what is drafted while one runs goes into the next.
If one fails, everything that was built on it is thrown away by whoever catches the failure.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from oms.services.account_state.commit import CommitBatches
from oms.services.account_state.state import AccountState


@dataclass(slots=True, kw_only=True)
class CommitPipeline:
    """The commit that runs and the homes whose drafts wait for the next."""

    commit: CommitBatches
    #: How often something was added since the last commit was begun.
    added: int = 0
    _drafted: dict[int, AccountState] = field(default_factory=dict)
    _sent: list[AccountState] = field(default_factory=list)
    _running: "asyncio.Task[frozenset[int]] | None" = None

    def add(self, state: AccountState) -> None:
        """The home has something to write."""
        self._drafted[state.account.id] = state
        self.added += 1

    def discard(self, state: AccountState) -> None:
        """What the home has drafted is not written."""
        self._drafted.pop(state.account.id, None)

    def inflight_command_ids(self) -> Collection[int]:
        """Commands that are executed and not known to be stored: the queue still shows them."""
        ids: set[int] = set()
        for state in self._drafted.values():
            ids.update(state.work.results)
        for state in self._sent:
            ids.update(state.committing.results)
        return ids

    async def push(self, *, wait: bool = False) -> frozenset[int]:
        """Send the drafts if no commit runs, or ``wait`` for it; ids of accounts that are lost.

        Raises ``Unavailable`` when the outcome of the commit that ran is not known.
        """
        lost: frozenset[int] = frozenset()
        if self._running is not None:
            if not wait and not self.is_free():
                return lost
            running, self._running = self._running, None
            lost = await running
            for state in self._sent:
                # What fell out of the commit is not stored: nothing of it may leave.
                if state.account.id not in lost:
                    state.mark_committed()
            self._sent = []
        states = [state for state in self._drafted.values() if state.work.has_content()]
        self._drafted, self.added = {}, 0
        self._sent = [state for state in states if state.account.id not in lost]
        if self._sent:
            batches = [state.begin_commit() for state in self._sent]
            self._running = asyncio.create_task(self.commit(batches))
        return lost

    def is_free(self) -> bool:
        """Whether the database waits for something to commit."""
        return self._running is None or self._running.done()

    @property
    def running(self) -> "asyncio.Task[frozenset[int]] | None":
        """The commit on its way, to look at and never to cancel."""
        return self._running

    async def drop(self) -> None:
        """Throw the drafts away, once nothing is on its way any more."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        self._running = None
        self._drafted, self._sent, self.added = {}, [], 0
