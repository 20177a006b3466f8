"""One ear at the queue's bell that goes on listening while the worker does something else.

It knows whether the queue was rung since it was last asked, so that nobody reads a queue that
nothing can have entered. A second without a ring counts as one: rings are hints, and may be lost.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from oms.ports.wakeup import Doorbell, Topic

SWEEP_SECONDS = 1.0
"""The longest time without a look at the queue, whatever the bell says."""


@dataclass(slots=True, kw_only=True)
class Ear:
    """Hears the rings about commands. One task at a time asks it."""

    bell: Doorbell
    _listening: "asyncio.Task[Sequence[int]] | None" = field(default=None, init=False)

    async def wait(self, seconds: float) -> None:
        """Return at a ring, at once if there was one since the last call, or after ``seconds``."""
        await self._first_of((), seconds)

    async def rings_before(self, other: "asyncio.Future[Any]") -> bool:
        """Whether the queue is rung before ``other`` is done, without touching that."""
        if other.done():
            return False
        return await self._first_of((other,), None)

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _first_of(
        self, others: "Sequence[asyncio.Future[Any]]", at_most: float | None
    ) -> bool:
        """Whether it is the ring that came first."""
        if self._listening is None:
            self._listening = asyncio.create_task(self.bell.wait(Topic.COMMANDS, SWEEP_SECONDS))
        ring = self._listening
        await asyncio.wait((ring, *others), timeout=at_most, return_when=asyncio.FIRST_COMPLETED)
        if not ring.done():
            return False
        self._listening = None
        ring.result()  # a bell that breaks is told
        return True
