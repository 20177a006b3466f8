"""Tasks end although one of their cancellations was lost."""

import asyncio
from contextlib import suppress

import pytest

from oms import task_cancellation
from oms.task_cancellation import cancel_all


async def _lose_cancellations(count: int) -> None:
    for _ in range(count):
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    await asyncio.Event().wait()


async def test_lost_cancellation_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_cancellation, "REPEAT_SECONDS", 0.01)
    tasks = [asyncio.create_task(_lose_cancellations(count)) for count in (0, 1, 3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await cancel_all(tasks)
    assert all(task.cancelled() for task in tasks)


async def test_errors_and_results_are_left_in_the_tasks() -> None:
    async def fail() -> None:
        raise ValueError("failed")

    failed, done = asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(0, "done"))
    await asyncio.wait({failed, done})
    await cancel_all([failed, done])
    assert isinstance(failed.exception(), ValueError) and done.result() == "done"


async def test_no_tasks_are_no_error() -> None:
    await cancel_all([])
