"""The runner's task of research in this process; strategies have processes of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.polling import poll_until
from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.bootstrap.strategies import build_research
from oms.config import Settings
from oms.ports.research.research_requests import RESEARCH_TASK
from oms.runner.task_run import TaskRun


@asynccontextmanager
async def running_research(
    store: SqlStore, settings: Settings, runner: str = "test"
) -> AsyncIterator[TaskRun]:
    """Answer requests until the end of the block; begins when the catalogue is loaded."""
    (lease,) = await store.task_leases.acquire(runner, [RESEARCH_TASK], 600)
    run = TaskRun(lease=lease, stop=asyncio.Event(), valid_until=float("inf"))
    work = asyncio.create_task(build_research(settings, store, SystemClock())(run))

    async def is_loaded() -> bool:
        if work.done():
            work.result()
        return (await store.strategy_catalog.read())[1] is not None

    try:
        await poll_until(is_loaded, bool, 60)
        yield run
    finally:
        run.stop.set()
        await work
        await store.task_leases.release(runner, [lease])
