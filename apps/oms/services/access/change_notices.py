"""Notices of changes between processes: each drops what it has cached of them.

Keys and permissions are one topic, kill switches and limits of many accounts another. A
notification may be lost: what is cached is read again by itself, keys after
``access_cache_seconds``, switches and limits after a second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oms.ports.notifier import Notifier, Topic

WAIT_SECONDS = 60.0
CHANGED = 1
"""The id of every notification: it only means that something changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNotices:
    """Sends and receives notifications of changes of one topic."""

    notifier: Notifier
    topic: Topic
    #: Drop the caches of this process.
    forget: Sequence[Callable[[], None]] = ()

    def announce(self) -> None:
        """Let all processes drop their caches."""
        self.notifier.notify(self.topic, [CHANGED])

    async def follow(self) -> None:
        """Drop the caches at each notification, until cancelled."""
        while True:
            await self.follow_once()

    async def follow_once(self) -> None:
        """Drop the caches at the next notification, if one comes within ``WAIT_SECONDS``."""
        if await self.notifier.wait(self.topic, WAIT_SECONDS):
            for forget in self.forget:
                forget()
