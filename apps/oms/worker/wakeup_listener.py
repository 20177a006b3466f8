"""Listens to the notifications of queued commands while the worker does something else.

It knows whether a notification arrived since the last wait, so that the queue is not read without
need. Notifications are hints and may be lost, so a second without one counts as one. Exchanges with
new events notify it from within the process (``UpdatedAccounts``).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oms.ports.notifier import Notifier, Topic

POLL_FALLBACK_SECONDS = 1.0
"""The longest time between two reads of the queue."""


@dataclass(slots=True, kw_only=True)
class WakeupListener:
    """Listens for notifications of commands. Only one task at a time may wait."""

    notifier: Notifier
    _listening: "asyncio.Task[Mapping[int, str]] | None" = field(default=None, init=False)
    #: Done once there is something to read.
    _notified: "asyncio.Future[None] | None" = field(default=None, init=False)

    async def wait(self, seconds: float) -> None:
        """Return at a notification, immediately if there was one since the last call, or after
        ``seconds``.
        """
        await self._first_of((), seconds)

    async def wait_before(self, other: "asyncio.Future[Any]") -> bool:
        """Return whether a notification arrives before ``other`` is done; ``other`` is not
        cancelled.
        """
        if other.done():
            return False
        return await self._first_of((other,), None)

    def notify(self) -> None:
        """Notify from within the process."""
        if self._notified is None:
            self._notified = asyncio.get_running_loop().create_future()
        if not self._notified.done():
            self._notified.set_result(None)

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _first_of(
        self, others: "Sequence[asyncio.Future[Any]]", timeout_seconds: float | None
    ) -> bool:
        """Return whether the notification came first."""
        if self._notified is None:
            self._notified = asyncio.get_running_loop().create_future()
        if self._listening is None:
            self._listening = asyncio.create_task(
                self.notifier.wait(Topic.COMMANDS, POLL_FALLBACK_SECONDS)
            )
            self._listening.add_done_callback(self._listening_done)
        notified = self._notified
        await asyncio.wait(
            (notified, *others), timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if not notified.done():
            return False
        self._notified = None
        notified.result()  # Raises an error of the notifier.
        return True

    def _listening_done(self, listening: "asyncio.Task[Mapping[int, str]]") -> None:
        self._listening = None
        if listening.cancelled():
            return
        error = listening.exception()
        if error is None:
            self.notify()
        elif self._notified is not None and not self._notified.done():
            self._notified.set_exception(error)


@dataclass(slots=True, kw_only=True)
class UpdatedAccounts:
    """Accounts whose exchange has new events; marking one notifies the listener."""

    listener: WakeupListener
    _ids: set[int] = field(default_factory=set)

    def mark(self, account_id: int) -> None:
        """Note that the account's exchange has new events."""
        self._ids.add(account_id)
        self.listener.notify()

    def take(self) -> set[int]:
        """Return the accounts marked since the last call."""
        ids, self._ids = self._ids, set()
        return ids
