"""One commit on its way while the next one is being drafted.

Commits reach the database one after the other; what is drafted while one runs goes into the next.
If one fails, everything that was built on it is thrown away by whoever catches the failure.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from oms.services.commit import Commit
from oms.services.home import Home


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """The commit that runs and the homes whose drafts wait for the next."""

    commit: Commit
    #: How often something was added since the last commit was begun.
    added: int = 0
    _drafted: dict[int, Home] = field(default_factory=dict)
    _sent: list[Home] = field(default_factory=list)
    _running: "asyncio.Task[frozenset[int]] | None" = None

    def add(self, home: Home) -> None:
        """The home has something to write."""
        self._drafted[home.account.id] = home
        self.added += 1

    def discard(self, home: Home) -> None:
        """What the home has drafted is not written."""
        self._drafted.pop(home.account.id, None)

    def in_hand(self) -> Collection[int]:
        """Commands that are executed and not known to be stored: the queue still shows them."""
        ids: set[int] = set()
        for home in self._drafted.values():
            ids.update(home.draft.results)
        for home in self._sent:
            ids.update(home.sent.results)
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
            for home in self._sent:
                # What fell out of the commit is not stored: nothing of it may leave.
                if home.account.id not in lost:
                    home.settled()
            self._sent = []
        homes = [home for home in self._drafted.values() if home.draft.has_content()]
        self._drafted, self.added = {}, 0
        self._sent = [home for home in homes if home.account.id not in lost]
        if self._sent:
            batches = [home.send() for home in self._sent]
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
