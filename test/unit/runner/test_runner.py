"""The runner: whatever ends a task, it is started again; a lost lease ends it for good."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from kit.gateway.memory_task_leases import MemoryTaskLeases
from kit.polling import poll_until
from oms.domain.errors import LeaseLost, Unavailable
from oms.ports.runner.task_leases import TaskState
from oms.runner import task_supervisor
from oms.runner.main import Runner
from oms.runner.task_run import TaskRun


@dataclass
class ScriptedTask:
    """A task that does the next step of a script at each start, then works until the stop."""

    name: str
    steps: list[Callable[[TaskRun], Awaitable[None]]] = field(default_factory=list)
    runs: list[TaskRun] = field(default_factory=list)
    ended: int = 0

    async def __call__(self, run: TaskRun) -> None:
        """Work."""
        self.runs.append(run)
        try:
            if len(self.runs) <= len(self.steps):
                await self.steps[len(self.runs) - 1](run)
                return
            while not run.stop.is_set():
                run.show_progress()
                await run.pause(0.01)
        finally:
            self.ended += 1


async def _raise(_run: TaskRun) -> None:
    raise ValueError("a bug")


async def _end(_run: TaskRun) -> None:
    return


async def _hang(_run: TaskRun) -> None:
    await asyncio.Event().wait()


async def _lose_store(_run: TaskRun) -> None:
    raise Unavailable("the database does not respond")


async def _nothing() -> None:
    return


def a_runner(leases: MemoryTaskLeases, *tasks: ScriptedTask, **changes: object) -> Runner:
    """A runner with short pauses."""
    settings: dict[str, object] = {
        "name": "a",
        "lease_seconds": 0.15,
        "back_off_seconds": (0.01, 0.02),
        "silence_seconds_max": 0.2,
    }
    return Runner(tasks=tasks, leases=leases, close=_nothing, **settings | changes)  # type: ignore[arg-type]


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[None]:
    """Run it, and stop it at the end."""
    stop = asyncio.Event()
    work = asyncio.create_task(runner.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(work, 5)


async def _true(read: Callable[[], object]) -> None:
    async def now() -> object:
        return read()

    await poll_until(now, bool, 5)


async def test_a_task_is_started_again_whatever_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    leases = MemoryTaskLeases()
    weak = ScriptedTask("weak", [_raise, _end, _hang, _lose_store])
    other = ScriptedTask("other")
    monkeypatch.setattr(task_supervisor, "WATCH_SECONDS", 0.02)
    async with running(a_runner(leases, weak, other)):
        await _true(lambda: len(weak.runs) == 5)
        assert len(other.runs) == 1  # no other task is touched
    reasons = ["ValueError: a bug", "it ended", "it made no progress"]
    assert leases.restarts == [("weak", reason) for reason in reasons]
    assert (weak.ended, other.ended) == (5, 1)
    assert leases.owners == {"weak": "", "other": ""}  # given back


async def test_the_state_is_stored_while_it_backs_off() -> None:
    leases = MemoryTaskLeases()
    weak = ScriptedTask("weak", [_raise] * 100)
    async with running(a_runner(leases, weak, back_off_seconds=(5.0, 5.0))):
        await _true(lambda: "weak" in leases.progress)
        await _true(lambda: leases.progress["weak"].state is TaskState.BACKING_OFF)
    assert len(weak.runs) == 1


async def test_a_second_runner_waits_until_the_first_gives_up_the_lease() -> None:
    leases = MemoryTaskLeases()
    first, second = ScriptedTask("one"), ScriptedTask("one")
    async with AsyncExitStack() as stack:
        async with running(a_runner(leases, first)):
            await _true(lambda: first.runs)
            await stack.enter_async_context(running(a_runner(leases, second, name="b")))
            await _true(lambda: "b" in leases.attempts)
            assert not second.runs
        await _true(lambda: second.runs)
        assert second.runs[0].lease.token == 2
        leases.owners["one"], leases.tokens["one"] = "c", 3  # another runner takes it
        await _true(lambda: second.ended)


async def test_leases_of_tasks_that_end_within_the_last_round_are_given_back() -> None:
    leases = MemoryTaskLeases()
    task = ScriptedTask("one")
    stop = asyncio.Event()

    async def stop_within_the_round() -> Sequence[ScriptedTask]:
        if task.runs:
            stop.set()
            await _true(lambda: task.ended)
            await asyncio.sleep(0)  # its supervisor ends
        return ()

    runner = a_runner(leases, task, lease_seconds=60, more_tasks=stop_within_the_round)
    async with asyncio.timeout(5):
        await runner.run(stop)
    assert leases.owners == {"one": ""}


async def test_a_task_ends_when_its_lease_may_have_expired() -> None:
    leases = MemoryTaskLeases()
    task = ScriptedTask("one")
    async with running(a_runner(leases, task)):
        await _true(lambda: task.runs)
        leases.is_unavailable = True
        await _true(lambda: task.ended == 1)
        with pytest.raises(LeaseLost, match="one"):
            task.runs[0].require_valid()
        leases.is_unavailable = False
        leases.owners["one"] = ""
        await _true(lambda: len(task.runs) == 2)
    assert task.runs[1].lease.token == 2


async def test_a_successor_of_the_same_name_takes_over_at_once() -> None:
    leases = MemoryTaskLeases()
    await leases.acquire("a", ["one"], 60)
    task = ScriptedTask("one")
    async with running(a_runner(leases, task)):
        await _true(lambda: task.runs)
    assert task.runs[0].lease.token == 2
