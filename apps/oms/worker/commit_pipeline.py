"""One commit in progress while the next one is collected.

Commits reach the database one after the other; changes made during a commit go into the next. If a
commit fails, its caller discards every state that was built on it.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from oms.services.account_state.commit import CommitBatches
from oms.services.account_state.state import AccountState


@dataclass(slots=True, kw_only=True)
class CommitPipeline:
    """The commit in progress, and the account states with changes for the next one."""

    commit: CommitBatches
    #: Number of additions since the last commit was started.
    added: int = 0
    _changed: dict[int, AccountState] = field(default_factory=dict)
    _committing: list[AccountState] = field(default_factory=list)
    _running: "asyncio.Task[frozenset[int]] | None" = None

    def add(self, state: AccountState) -> None:
        """Add a state that has uncommitted changes."""
        self._changed[state.account.id] = state
        self.added += 1

    def discard(self, state: AccountState) -> None:
        """Remove a state; its uncommitted changes are not written."""
        self._changed.pop(state.account.id, None)

    def inflight_command_ids(self) -> Collection[int]:
        """Return commands executed but not known to be stored; the queue still lists them."""
        ids: set[int] = set()
        for state in self._changed.values():
            ids.update(state.work.results)
        for state in self._committing:
            ids.update(state.committing.results)
        return ids

    async def push(self, *, wait: bool = False) -> frozenset[int]:
        """Start the next commit if none runs, or after it if ``wait``. Returns accounts whose lease
        is lost.

        Raises ``Unavailable`` when the outcome of the finished commit is unknown.
        """
        lost: frozenset[int] = frozenset()
        if self._running is not None:
            if not wait and not self.is_free():
                return lost
            running, self._running = self._running, None
            lost = await running
            for state in self._committing:
                # What was left out of the commit is not stored, and must not be sent to an
                # exchange.
                if state.account.id not in lost:
                    state.mark_committed()
            self._committing = []
        states = [state for state in self._changed.values() if state.work.has_content()]
        self._changed, self.added = {}, 0
        self._committing = [state for state in states if state.account.id not in lost]
        if self._committing:
            batches = [state.begin_commit() for state in self._committing]
            self._running = asyncio.create_task(self.commit(batches))
        return lost

    def is_free(self) -> bool:
        """Return whether no commit is in progress."""
        return self._running is None or self._running.done()

    @property
    def running(self) -> "asyncio.Task[frozenset[int]] | None":
        """Return the commit in progress, for waiting only; it must not be cancelled."""
        return self._running

    async def drop(self) -> None:
        """Discard the changes, after the commit in progress has ended."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        self._running = None
        self._changed, self._committing, self.added = {}, [], 0
