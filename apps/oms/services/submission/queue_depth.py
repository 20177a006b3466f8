"""Limits the number of queued commands per account.

The depth is counted by the database once a second, plus the commands added by this process since.
Commands that ended since the count are still part of it: before a command is refused, the database
counts again. It is a limit, not an exact count: it may lag by a second of what other processes add.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from oms.domain.errors import Refused
from oms.ports.command_queue import CommandQueue

REFRESH_SECONDS = 1.0
#: Least age of a count before a command is refused by it: a full queue is counted this often.
RECOUNT_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class QueueDepthLimiter:
    """The approximate number of queued commands per account."""

    queue: CommandQueue
    depth_max: int
    #: Seconds of a clock that is never set back: the age of what is cached.
    monotonic: Callable[[], float] = time.monotonic
    _counted: Mapping[int, int] = field(default_factory=dict)
    _added: Counter[int] = field(default_factory=Counter)
    _read_at: float | None = None
    _reading: "asyncio.Task[None] | None" = None

    def longest_queue(self) -> int:
        """Return the length of the longest queue."""
        accounts = {*self._counted, *self._added}
        return max((self._depth(account_id) for account_id in accounts), default=0)

    async def by_account(self) -> Mapping[int, int]:
        """Return the length of each queue that is not empty. Raises ``Unavailable``."""
        await self.refresh()
        accounts = {*self._counted, *self._added}
        return {i: depth for i in accounts if (depth := self._depth(i))}

    async def refresh(self, needed: Mapping[int, int] | None = None) -> None:
        """Count again if the last count is too old. Raises ``Unavailable``.

        ``needed``: the number of commands to be added, by account id.
        """
        if self._is_stale(needed or {}):
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            await asyncio.shield(self._reading)

    def reserve(self, account_id: int) -> Refused | None:
        """Count one more command, or refuse it because the queue is full."""
        depth = self._depth(account_id)
        if depth < self.depth_max:
            self._added[account_id] += 1
            return None
        return Refused(
            code="rate_limited",
            reason="queue_full",
            message=f"{depth} commands of account {account_id} are waiting",
            set_by="commands.queue_depth_max",
        )

    def _depth(self, account_id: int) -> int:
        return self._counted.get(account_id, 0) + self._added[account_id]

    def _is_stale(self, needed: Mapping[int, int]) -> bool:
        if self._read_at is None:
            return True
        full = any(self._depth(i) + count > self.depth_max for i, count in needed.items())
        age_max = RECOUNT_SECONDS if full else REFRESH_SECONDS
        return self.monotonic() - self._read_at >= age_max

    async def _read(self) -> None:
        try:
            added = self._added.copy()
            counted = await self.queue.depths()
            self._counted = counted
            self._added -= added  # Commands added during the count may not be part of it.
            self._read_at = self.monotonic()
        finally:
            self._reading = None
