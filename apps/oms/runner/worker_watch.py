"""Watches the workers: an event when none sends heartbeats any more, another when one does again.

The position of the task stores which was emitted last, so that a new runner repeats neither.
"""

import logging
import math
from dataclasses import dataclass

from oms.ports.clock import Clock
from oms.ports.leases import Leases
from oms.ports.runner.gateway_events import TaskEvents
from oms.ports.runner.task_leases import TaskLeases
from oms.runner.task_run import TaskRun

logger = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
HEARTBEAT_SECONDS_MAX = 10.0
_ALIVE, _STALE = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerWatch:
    """``RunnerTask`` that emits ``worker_stale`` and ``worker_recovered``."""

    workers: Leases
    leases: TaskLeases
    events: TaskEvents
    clock: Clock
    name: str = "worker_watch"

    async def __call__(self, run: TaskRun) -> None:
        """Compare once a second, until the stop."""
        emitted = await self.leases.position(run.lease)
        unseen_since: float | None = None
        while not run.stop.is_set():
            age = await self._newest_heartbeat_age()
            is_alive = age < HEARTBEAT_SECONDS_MAX
            if is_alive:
                unseen_since = None
            elif unseen_since is None:
                unseen_since = run.monotonic()
            # A worker that was stopped leaves no heartbeat: it may be started again at once.
            is_stale = unseen_since is not None and (
                age < math.inf or run.monotonic() - unseen_since > HEARTBEAT_SECONDS_MAX
            )
            if is_stale and emitted == _ALIVE:
                seconds = None if math.isinf(age) else round(age, 3)
                logger.warning("worker_stale heartbeat_age_seconds=%s", seconds)
                facts = {"heartbeat_age_seconds": seconds, "limit": HEARTBEAT_SECONDS_MAX}
                emitted = _STALE
                await self.events.write(run.lease, emitted, "worker_stale", facts, self.clock.now())
            elif is_alive and emitted == _STALE:
                emitted = _ALIVE
                await self.events.write(
                    run.lease, emitted, "worker_recovered", {}, self.clock.now()
                )
            run.show_progress()
            await run.pause(ROUND_SECONDS)

    async def _newest_heartbeat_age(self) -> float:
        """Return the age of the newest heartbeat in seconds; infinite if there is no worker."""
        workers = await self.workers.workers(math.inf)
        return min((worker.heartbeat_age_seconds for worker in workers), default=math.inf)
