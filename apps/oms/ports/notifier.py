"""Notifications between processes of one host: a hint that new rows are in the database.

A notification may be lost, duplicated or early; receivers also poll at least once a second, so
correctness never depends on it. It may carry the result of a command, which saves the receiver a
query; the result is always committed before.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Protocol


class Topic(StrEnum):
    """Who is notified: workers of new commands, API processes of results and events, both of
    changed keys and permissions, workers of kill switches and limits of many accounts, API
    processes of requests that others charged to a key, workers of leases that another one gave
    back.
    """

    COMMANDS = "commands"
    RESULTS = "results"
    ACCESS = "access"
    SWITCHES = "switches"
    USAGE = "usage"
    LEASES = "leases"


class Notifier(Protocol):
    """The notification channel of one process."""

    def notify(
        self, topic: Topic, ids: Collection[int] = (), results: Mapping[int, str] | None = None
    ) -> None:
        """Notify all waiters of ``topic``; ``ids`` of commands are a hint. Never blocks.

        ``results`` are texts of results by command id; long ones may be dropped.
        """
        ...

    async def wait(self, topic: Topic, timeout_seconds: float) -> Mapping[int, str]:
        """Wait for notifications or the timeout; returns ids notified since the last call, maybe
        none.

        Each id is mapped to its result, or to an empty text. A closed or failed channel waits until
        the timeout.
        """
        ...

    async def stop_listening(self) -> None:
        """Let waiters return immediately; ``notify`` still works."""
        ...

    async def close(self) -> None:
        """Stop listening, and send what waits to be sent."""
        ...
