"""One run of a task under its lease, as the task sees it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from oms.domain.errors import LeaseLost
from oms.ports.runner.task_leases import TaskLease


@dataclass(slots=True, kw_only=True)
class TaskRun:
    """The lease of a task, the signal to stop, and the signs of its progress."""

    lease: TaskLease
    stop: asyncio.Event
    #: Monotonic time until which the lease is known to be valid; moved by each renewal.
    valid_until: float
    monotonic: Callable[[], float] = time.monotonic
    _progress_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._progress_at = self.monotonic()

    def show_progress(self) -> None:
        """Show that the task is at work; without it the task is started again after a while."""
        self._progress_at = self.monotonic()

    def silence_seconds(self) -> float:
        """Return the time since the last progress."""
        return self.monotonic() - self._progress_at

    def is_valid(self) -> bool:
        """Return whether no other runner can hold the lease yet."""
        return self.monotonic() < self.valid_until

    def require_valid(self) -> None:
        """Raise ``LeaseLost`` if another runner may hold the lease.

        Called before what no transaction can take back, such as a request to another host: a
        process that was paused finds out here.
        """
        if not self.is_valid():
            raise LeaseLost(f"the lease of the task {self.lease.task} was not renewed in time")

    async def pause(self, seconds: float) -> None:
        """Wait, at most until the stop."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return


class RunnerTask(Protocol):
    """Work of the runner."""

    @property
    def name(self) -> str:
        """The name of the task and of its lease."""
        ...

    async def __call__(self, run: TaskRun) -> None:
        """Work until ``run.stop`` is set.

        It is cancelled when the lease is lost, and started again after an exception, or after it
        has shown no progress for too long.
        """
        ...
