"""One ear at the queue's bell that goes on listening while the worker does something else.

It knows whether the queue was rung since it was last asked, so that nobody reads a queue that
nothing can have entered. A second without a ring counts as one: rings are hints, and may be lost.
Exchanges that have something to tell stir it from within the process.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oms.ports.notifier import Notifier, Topic

POLL_FALLBACK_SECONDS = 1.0
"""The longest time without a look at the queue, whatever the bell says."""


@dataclass(slots=True, kw_only=True)
class WakeupListener:
    """Hears the rings about commands. One task at a time asks it."""

    bell: Notifier
    _listening: "asyncio.Task[Mapping[int, str]] | None" = field(default=None, init=False)
    #: Done once there is something to look at.
    _rung: "asyncio.Future[None] | None" = field(default=None, init=False)

    async def wait(self, seconds: float) -> None:
        """Return at a ring, at once if there was one since the last call, or after ``seconds``."""
        await self._first_of((), seconds)

    async def wait_before(self, other: "asyncio.Future[Any]") -> bool:
        """Whether the queue is rung before ``other`` is done, without touching that."""
        if other.done():
            return False
        return await self._first_of((other,), None)

    def notify(self) -> None:
        """Like a ring, from within the process."""
        if self._rung is None:
            self._rung = asyncio.get_running_loop().create_future()
        if not self._rung.done():
            self._rung.set_result(None)

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _first_of(
        self, others: "Sequence[asyncio.Future[Any]]", at_most: float | None
    ) -> bool:
        """Whether it is the ring that came first."""
        if self._rung is None:
            self._rung = asyncio.get_running_loop().create_future()
        if self._listening is None:
            self._listening = asyncio.create_task(
                self.bell.wait(Topic.COMMANDS, POLL_FALLBACK_SECONDS)
            )
            self._listening.add_done_callback(self._heard)
        ring = self._rung
        await asyncio.wait((ring, *others), timeout=at_most, return_when=asyncio.FIRST_COMPLETED)
        if not ring.done():
            return False
        self._rung = None
        ring.result()  # a bell that breaks is told
        return True

    def _heard(self, listening: "asyncio.Task[Mapping[int, str]]") -> None:
        self._listening = None
        if listening.cancelled():
            return
        problem = listening.exception()
        if problem is None:
            self.notify()
        elif self._rung is not None and not self._rung.done():
            self._rung.set_exception(problem)
