"""Supervision of one task: it is started again, with back-off, whatever ends it."""

import asyncio
import logging
from dataclasses import dataclass, field

from oms.domain.errors import LeaseLost, Unavailable
from oms.ports.runner.task_leases import TaskLeases, TaskProgress, TaskState
from oms.runner.task_run import RunnerTask, TaskRun

logger = logging.getLogger(__name__)

BACK_OFF_SECONDS = (0.5, 30.0)
"""Pause before the first restart, and the longest; it doubles with each failure."""
HEALTHY_SECONDS = 60.0
"""A task that ran this long before it failed is started again after the shortest pause."""
RETRY_SECONDS = 0.5
"""Pause after the database did not answer, which is no failure of the task."""
SILENCE_SECONDS_MAX = 60.0
"""A task without progress for this long is cancelled and started again."""
WATCH_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class TaskSupervisor:
    """Keeps one task running under one lease."""

    task: RunnerTask
    run: TaskRun
    leases: TaskLeases
    back_off_seconds: tuple[float, float] = BACK_OFF_SECONDS
    silence_seconds_max: float = SILENCE_SECONDS_MAX
    state: TaskState = TaskState.RUNNING
    _delay_seconds: float = field(init=False)
    _is_waiting_for_store: bool = False

    def __post_init__(self) -> None:
        self._delay_seconds = self.back_off_seconds[0]

    def progress(self) -> TaskProgress:
        """Return what the next renewal stores."""
        return TaskProgress(
            lease=self.run.lease, state=self.state, silence_seconds=self.run.silence_seconds()
        )

    async def __call__(self) -> None:
        """Run the task until the stop. Raises ``LeaseLost``."""
        while not self.run.stop.is_set():
            self.state = TaskState.RUNNING
            self.run.show_progress()
            started_at = self.run.monotonic()
            error = await self._run_once()
            if error is None:
                continue
            if self.run.monotonic() - started_at > HEALTHY_SECONDS:
                self._delay_seconds = self.back_off_seconds[0]
            await self._back_off(error)

    async def _run_once(self) -> str | None:
        """Return what ended the task; ``None`` after the stop, or if the store did not answer."""
        name = self.task.name
        try:
            is_silent = await self._run_watched()
        except LeaseLost:
            raise
        except Unavailable as error:
            if not self._is_waiting_for_store:
                logger.warning("store_unavailable loop=%s message=%s", name, error.message)
            self._is_waiting_for_store = True
            await self.run.pause(RETRY_SECONDS)
            return None
        except Exception as error:  # the supervisor of a task
            logger.exception("task_failed task=%s", name)
            return f"{type(error).__name__}: {error}"
        self._is_waiting_for_store = False
        if is_silent:
            logger.error("task_silent task=%s seconds=%.0f", name, self.silence_seconds_max)
            return "it made no progress"
        if self.run.stop.is_set():
            return None
        logger.error("task_ended task=%s", name)
        return "it ended"

    async def _run_watched(self) -> bool:
        """Run the task to its end; returns whether it was cancelled as it made no progress."""
        work = asyncio.ensure_future(self.task(self.run))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=WATCH_SECONDS)
                if self.run.silence_seconds() > self.silence_seconds_max and not work.done():
                    return True
            work.result()
            return False
        finally:
            work.cancel()
            await asyncio.wait({work}, timeout=WATCH_SECONDS)

    async def _back_off(self, error: str) -> None:
        self.state = TaskState.BACKING_OFF
        try:
            await self.leases.record_restart(self.run.lease, error)
        except Unavailable as unavailable:
            logger.warning(
                "restart_not_recorded task=%s message=%s", self.task.name, unavailable.message
            )
        await self.run.pause(self._delay_seconds)
        self._delay_seconds = min(self._delay_seconds * 2, self.back_off_seconds[1])
