"""Leases of the runner's tasks in the database: takeover, fencing, position, restarts."""

from collections.abc import Awaitable, Callable

import pytest

from kit.builders import NOON
from kit.polling import poll_until
from oms.adapters.sql.store import SqlStore
from oms.domain.errors import LeaseLost
from oms.ports.runner.task_leases import TaskLease, TaskProgress, TaskState

Opener = Callable[[], Awaitable[SqlStore]]


def _progress(lease: TaskLease, state: TaskState = TaskState.RUNNING) -> TaskProgress:
    return TaskProgress(lease=lease, state=state, silence_seconds=2.0)


async def test_one_runner_holds_a_task_until_its_lease_expires(another: Opener) -> None:
    first, second = (await another()).task_leases, (await another()).task_leases
    one, two = await first.acquire("a", ["one", "two"], 60)
    assert (one, two) == (TaskLease(task="one", token=1), TaskLease(task="two", token=1))
    assert await second.acquire("b", ["one", "two"], 60) == ()
    assert await first.renew("a", [_progress(one), _progress(two)], 0.2) == []
    assert await first.renew("b", [_progress(one)], 60) == ["one"]  # another owner

    (taken,) = await poll_until(lambda: second.acquire("b", ["one"], 60), bool, 5)
    assert taken == TaskLease(task="one", token=2)
    assert sorted(await first.renew("a", [_progress(one), _progress(two)], 60)) == ["one", "two"]
    await first.release("a", [one])  # late: it frees nothing
    assert await first.acquire("a", ["one"], 60) == ()
    await second.release("b", [taken])
    assert await first.acquire("a", ["one"], 60) == [TaskLease(task="one", token=3)]
    await second.release_all("a")
    assert await second.acquire("b", ["one"], 60) == [TaskLease(task="one", token=4)]


async def test_a_lost_lease_writes_nothing(another: Opener) -> None:
    paused, successor = await another(), await another()
    leases = paused.task_leases
    (before,) = await leases.acquire("a", ["one"], 60)
    await leases.advance(before, 5)
    await leases.release_all("a")
    (after,) = await successor.task_leases.acquire("b", ["one"], 60)
    assert await successor.task_leases.position(after) == 5

    for write in (
        lambda: leases.advance(before, 9),
        lambda: leases.record_restart(before, "bug"),
        lambda: leases.position(before),
        lambda: paused.task_events.write(before, 9, "worker_stale", {}, NOON),
    ):
        with pytest.raises(LeaseLost):
            await write()
    assert await successor.task_leases.position(after) == 5
    assert (await successor.history.heads([0])).get(0) == 0
    (status,) = await successor.task_leases.tasks()
    assert (status.restarts, status.last_error, status.owner) == (0, None, "b")


async def test_progress_and_restarts_are_shown(store: SqlStore) -> None:
    leases = store.task_leases
    (lease,) = await leases.acquire("a", ["one"], 60)
    assert await leases.renew("a", [_progress(lease)], 60) == []
    (status,) = await leases.tasks()
    assert status.is_running
    assert status.silence_seconds is not None
    assert 1.9 < status.silence_seconds < 12  # SQLite counts milliseconds
    await leases.record_restart(lease, "x" * 300)
    assert await leases.renew("a", [_progress(lease, TaskState.BACKING_OFF)], 60) == []
    (status,) = await leases.tasks()
    assert (status.restarts, status.last_error) == (1, "x" * 255)
    assert not status.is_running
    await leases.release("a", [lease])
    (status,) = await leases.tasks()
    assert (status.owner, status.is_running) == ("", False)


async def test_an_event_and_the_position_are_written_together(store: SqlStore) -> None:
    (lease,) = await store.task_leases.acquire("a", ["one"], 60)
    await store.task_events.write(lease, 1, "worker_stale", {"limit": 10.0}, NOON)
    (stored,) = await store.history.events({0: 0}, 10)
    assert (stored.row.event_type, stored.row.seq) == ("worker_stale", 1)
    assert await store.task_leases.position(lease) == 1
