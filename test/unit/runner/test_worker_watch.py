"""The watch over workers: one event when they fall silent, one when they are back."""

import asyncio
import math
from collections.abc import Mapping
from datetime import datetime

import pytest

from kit.gateway.memory_task_leases import MemoryTaskLeases
from kit.polling import poll_until
from oms.adapters.clock import SYSTEM_CLOCK
from oms.ports.leases import WorkerRow
from oms.ports.runner.task_leases import TaskLease
from oms.runner import worker_watch
from oms.runner.task_run import TaskRun
from oms.runner.worker_watch import WorkerWatch


class _Workers:
    """The list of workers with one age of a heartbeat; infinite: there is no worker."""

    def __init__(self) -> None:
        self.age = 0.0
        self.reads = 0

    async def workers(self, alive_within_seconds: float) -> list[WorkerRow]:
        assert alive_within_seconds == math.inf
        self.reads += 1
        if math.isinf(self.age):
            return []
        return [
            WorkerRow(worker_id="w", host="h", heartbeat_age_seconds=self.age, status="{}"),
            WorkerRow(worker_id="old", host="h", heartbeat_age_seconds=900.0, status="{}"),
        ]


class _Events:
    def __init__(self, leases: MemoryTaskLeases) -> None:
        self.leases = leases
        self.written: list[tuple[str, object]] = []

    async def write(
        self,
        lease: TaskLease,
        position: int,
        event: str,
        facts: Mapping[str, object],
        at: datetime,
    ) -> None:
        await self.leases.advance(lease, position)
        self.written.append((event, facts.get("heartbeat_age_seconds", "-")))


async def test_each_change_is_emitted_once_also_by_the_next_runner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_watch, "ROUND_SECONDS", 0.005)
    leases, workers, now = MemoryTaskLeases(), _Workers(), [100.0]
    events = _Events(leases)
    watch = WorkerWatch(workers=workers, leases=leases, events=events, clock=SYSTEM_CLOCK)  # type: ignore[arg-type]
    stop = asyncio.Event()

    async def start() -> "asyncio.Task[None]":
        (lease,) = await leases.acquire("a", [watch.name], 60)
        run = TaskRun(lease=lease, stop=stop, valid_until=math.inf, monotonic=lambda: now[0])
        return asyncio.create_task(watch(run))

    async def rounds() -> None:
        seen = workers.reads

        async def read() -> int:
            return workers.reads

        await poll_until(read, lambda reads: reads > seen + 2, 5)

    work = await start()
    await rounds()
    workers.age = math.inf  # stopped: it may be started again at once
    await rounds()
    assert events.written == []
    now[0] += 11
    await rounds()
    workers.age = 0.5
    await rounds()
    workers.age = 12.3456
    await rounds()
    expected = [("worker_stale", None), ("worker_recovered", "-"), ("worker_stale", 12.346)]
    assert events.written == expected
    work.cancel()
    await asyncio.wait({work})
    await leases.release_all("a")
    work = await start()
    await rounds()
    workers.age = 0.1
    await rounds()
    stop.set()
    await work
    assert events.written == [*expected, ("worker_recovered", "-")]
