"""The background tasks of one exchange, and the first failure of one."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from oms.task_cancellation import cancel_all


class ExchangeTasks:
    """Tasks that end with the exchange."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def check(self) -> None:
        """Raises the exception that a task failed with, if one did."""
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Cancel all tasks and wait for them."""
        await cancel_all(self._tasks)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
