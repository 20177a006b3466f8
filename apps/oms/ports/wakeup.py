"""The doorbell between processes of one host: a hint that something waits in the database.

A ring may be lost, doubled or early; whoever waits also looks by itself at least once a second.
Correctness never depends on it.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol


class Topic(StrEnum):
    """Who should look: workers at the queue, or the API at results and events."""

    COMMANDS = "commands"
    RESULTS = "results"


class Doorbell(Protocol):
    """One process's end of the bell."""

    def ring(self, topic: Topic, ids: Sequence[int] = ()) -> None:
        """Wake all who wait for ``topic``; ``ids`` of commands are a hint. Never blocks."""
        ...

    async def wait(self, topic: Topic, timeout_seconds: float) -> Sequence[int]:
        """Wait for a ring or the time-out; the ids rung since the last call, maybe empty.

        A bell that is closed or broken is not rung: it takes the whole time.
        """
        ...

    async def close(self) -> None:
        """Stop listening; who waits now returns at once."""
        ...
