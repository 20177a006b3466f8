"""The runner process: holds the leases of its tasks and keeps each of them running.

Each task has a lease of its own. Several runners may run: each takes the tasks that are free, and
one that is started beside another waits for the leases to expire. A runner whose database does not
answer stops its tasks when their leases have expired.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.errors import LeaseLost, Unavailable
from oms.ports.runner.task_leases import TaskLease, TaskLeases
from oms.runner.task_run import RunnerTask, TaskRun
from oms.runner.task_supervisor import BACK_OFF_SECONDS, SILENCE_SECONDS_MAX, TaskSupervisor

logger = logging.getLogger(__name__)

ROUND_SECONDS_MAX = 1.0
STOP_SECONDS_MAX = 2.0


@dataclass(slots=True, kw_only=True)
class _RunningTask:
    supervisor: TaskSupervisor
    work: "asyncio.Task[None]"


@dataclass(slots=True, kw_only=True)
class Runner:
    """One runner process."""

    name: str
    tasks: Sequence[RunnerTask]
    leases: TaskLeases
    lease_seconds: float
    #: Called last at its stop.
    close: Callable[[], Awaitable[None]]
    #: Returns further tasks; one that it does not return any more is ended.
    more_tasks: Callable[[], Awaitable[Sequence[RunnerTask]]] | None = None
    monotonic: Callable[[], float] = time.monotonic
    back_off_seconds: tuple[float, float] = BACK_OFF_SECONDS
    silence_seconds_max: float = SILENCE_SECONDS_MAX
    _running: dict[str, _RunningTask] = field(default_factory=dict)
    _has_disowned: bool = False
    _is_waiting_for_store: bool = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then let the tasks end and give the leases back."""
        try:
            while not stop.is_set():
                await self._round(stop)
                await _pause(stop, min(self.lease_seconds / 3, ROUND_SECONDS_MAX))
        finally:
            await self._shut_down()

    async def _round(self, stop: asyncio.Event) -> None:
        """Renew the leases, start tasks that are free, end those whose lease is lost."""
        try:
            if not self._has_disowned:
                await self.leases.release_all(self.name)  # the previous process of this name
                self._has_disowned = True
            await self._renew()
            tasks = {task.name: task for task in await self._all_tasks()}
            await self._give_back([name for name in self._running if name not in tasks])
            await self._acquire(tasks, stop)
            self._is_waiting_for_store = False
        except Unavailable as error:
            if not self._is_waiting_for_store:
                logger.warning("store_unavailable loop=task_leases message=%s", error.message)
            self._is_waiting_for_store = True
        if not stop.is_set():  # tasks that the stop has ended still have leases to give back
            await self._end([t for t, r in self._running.items() if not self._is_alive(r)])

    async def _renew(self) -> None:
        if not self._running:
            return
        held = {task: running.supervisor for task, running in self._running.items()}
        valid_until = self.monotonic() + self.lease_seconds
        progress = [supervisor.progress() for supervisor in held.values()]
        lost = await self.leases.renew(self.name, progress, self.lease_seconds)
        for task, supervisor in held.items():
            if task not in lost:
                supervisor.run.valid_until = valid_until
        await self._end(lost)

    async def _all_tasks(self) -> Sequence[RunnerTask]:
        return self.tasks if self.more_tasks is None else [*self.tasks, *await self.more_tasks()]

    async def _acquire(self, tasks: Mapping[str, RunnerTask], stop: asyncio.Event) -> None:
        missing = [name for name in tasks if name not in self._running]
        if not missing:
            return
        valid_until = self.monotonic() + self.lease_seconds
        for lease in await self.leases.acquire(self.name, missing, self.lease_seconds):
            self._start(tasks[lease.task], lease, stop, valid_until)

    def _start(
        self, task: RunnerTask, lease: TaskLease, stop: asyncio.Event, valid_until: float
    ) -> None:
        run = TaskRun(lease=lease, stop=stop, valid_until=valid_until, monotonic=self.monotonic)
        supervisor = TaskSupervisor(
            task=task,
            run=run,
            leases=self.leases,
            back_off_seconds=self.back_off_seconds,
            silence_seconds_max=self.silence_seconds_max,
        )
        work = asyncio.create_task(supervisor(), name=task.name)
        self._running[task.name] = _RunningTask(supervisor=supervisor, work=work)
        logger.info("task_started task=%s token=%d", task.name, lease.token)

    def _is_alive(self, running: _RunningTask) -> bool:
        return running.supervisor.run.is_valid() and not running.work.done()

    async def _give_back(self, tasks: Sequence[str]) -> None:
        """End tasks that have nothing to do any more, and release their leases."""
        ended = [self._running.pop(name) for name in tasks]
        for running in ended:
            running.work.cancel()
        if ended:
            await asyncio.wait({running.work for running in ended}, timeout=STOP_SECONDS_MAX)
            await self.leases.release(self.name, [each.supervisor.run.lease for each in ended])
            logger.info("tasks_ended tasks=%s", ",".join(tasks))

    async def _end(self, tasks: Sequence[str]) -> None:
        """Cancel tasks whose lease is lost."""
        for name in tasks:
            running = self._running.pop(name)
            running.work.cancel()
            await asyncio.wait({running.work}, timeout=STOP_SECONDS_MAX)
            failure = _failure_of(running.work)
            if failure is not None and not isinstance(failure, LeaseLost):
                logger.error("task_supervisor_failed task=%s", name, exc_info=failure)
            logger.warning("task_lease_lost task=%s", name)

    async def _shut_down(self) -> None:
        """Give the leases back, so that another runner need not wait for their expiry."""
        works = {running.work for running in self._running.values()}
        if works:
            _, late = await asyncio.wait(works, timeout=STOP_SECONDS_MAX)
            for work in late:
                work.cancel()
            await asyncio.wait(works, timeout=STOP_SECONDS_MAX)
        held = [running.supervisor.run.lease for running in self._running.values()]
        try:
            await self.leases.release(self.name, held)
        except Unavailable as error:
            logger.warning("stopped_without_release message=%s", error.message)
        await self.close()


def _failure_of(work: "asyncio.Task[None]") -> BaseException | None:
    return None if not work.done() or work.cancelled() else work.exception()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
