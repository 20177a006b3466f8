"""The doorbell between processes of one host: a hint that something waits in the database.

A ring may be lost, doubled or early; whoever waits also looks by itself at least once a second.
Correctness never depends on it. A ring may also carry a word about an id, so that whoever waits
for it need not look; it is told of what the database holds already, and may be lost like the ring.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Protocol


class Topic(StrEnum):
    """Who should look: workers at the queue, or the API at results and events."""

    COMMANDS = "commands"
    RESULTS = "results"


class Notifier(Protocol):
    """One process's end of the bell."""

    def notify(
        self, topic: Topic, ids: Collection[int] = (), results: Mapping[int, str] | None = None
    ) -> None:
        """Wake all who wait for ``topic``; ``ids`` of commands are a hint. Never blocks.

        ``words`` are told of some of them; a long one may be left out.
        """
        ...

    async def wait(self, topic: Topic, timeout_seconds: float) -> Mapping[int, str]:
        """Wait for a ring or the time-out; the ids rung since the last call, maybe none.

        With each id goes the word that was told of it, or an empty one. A bell that is closed or
        broken is not rung: it takes the whole time.
        """
        ...

    async def close(self) -> None:
        """Stop listening; who waits now returns at once."""
        ...
