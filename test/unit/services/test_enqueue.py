"""Group commit: submissions during a commit share the next one, and results come after it."""

import asyncio
from collections.abc import Sequence

import pytest

from kit.databases.memory_queue import NOON, MemoryQueue
from oms.adapters.local_notifier import LocalNotifier
from oms.domain.commands.command import Actor
from oms.domain.errors import Unavailable
from oms.ports.command_queue import EnqueueResult, NewCommand, Submission
from oms.ports.notifier import Topic
from oms.services.submission.enqueue import Enqueue


def a_submission(*ids: int) -> Submission:
    """The commands of one request."""
    return Submission(
        commands=[
            NewCommand(
                id=command_id,
                account_id=1,
                command_type="cancel_order",
                payload="{}",
                fingerprint="",
                actor=Actor(user_id=1, api_key_id=1, role="trader"),
                created_at=NOON,
            )
            for command_id in ids
        ]
    )


async def test_submissions_during_a_commit_share_the_next() -> None:
    queue = MemoryQueue()
    enqueue = Enqueue(queue=queue, notifier=LocalNotifier(), batch_max=500)
    queue.may_store.clear()
    first = asyncio.create_task(enqueue(a_submission(1)))
    await asyncio.wait_for(queue.has_begun.wait(), 5)
    later = [asyncio.create_task(enqueue(a_submission(n))) for n in range(2, 12)]
    await asyncio.sleep(0)
    assert not first.done()
    queue.may_store.set()
    answers = await asyncio.gather(first, *later)
    assert queue.groups == [1, 10]
    assert [answer.ids for answer in answers] == [(n,) for n in range(1, 12)]


async def test_a_group_is_bounded_and_a_request_is_never_split() -> None:
    queue = MemoryQueue()
    enqueue = Enqueue(queue=queue, notifier=LocalNotifier(), batch_max=3)
    asked = [(1, 2), (3,), (4,), (5, 6, 7, 8), (9,)]
    answers = await asyncio.gather(*(enqueue(a_submission(*ids)) for ids in asked))
    assert queue.groups == [2, 1, 1, 1]
    assert [answer.ids for answer in answers] == asked


async def test_a_failure_affects_only_its_group() -> None:
    queue = MemoryQueue()
    enqueue = Enqueue(queue=queue, notifier=LocalNotifier(), batch_max=500)
    queue.is_down = True
    failed = await asyncio.gather(
        *(enqueue(a_submission(n)) for n in (1, 2)), return_exceptions=True
    )
    assert [type(one) for one in failed] == [Unavailable, Unavailable]
    queue.is_down = False
    assert (await enqueue(a_submission(3))).ids == (3,)


async def test_a_cancelled_transaction_ends_only_its_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue, groups = MemoryQueue(), 0
    enqueue = Enqueue(queue=queue, notifier=LocalNotifier(), batch_max=1)
    store = queue.enqueue

    async def first_is_cancelled(submissions: Sequence[Submission]) -> Sequence[EnqueueResult]:
        nonlocal groups
        groups += 1
        if groups == 1:
            raise asyncio.CancelledError
        return await store(submissions)

    monkeypatch.setattr(queue, "enqueue", first_is_cancelled)
    callers = [asyncio.create_task(enqueue(a_submission(n))) for n in (1, 2)]
    await asyncio.wait(callers, timeout=5)
    assert [caller.done() for caller in callers] == [True, True]
    assert callers[0].cancelled()
    assert callers[1].result().ids == (2,)


async def test_a_cancelled_caller_does_not_undo_the_submission() -> None:
    queue = MemoryQueue()
    enqueue = Enqueue(queue=queue, notifier=LocalNotifier(), batch_max=500)
    queue.may_store.clear()
    leaver = asyncio.create_task(enqueue(a_submission(1)))
    await asyncio.wait_for(queue.has_begun.wait(), 5)
    stayer = asyncio.create_task(enqueue(a_submission(2)))
    leaver.cancel()
    queue.may_store.set()
    assert (await asyncio.wait_for(stayer, 5)).ids == (2,)
    with pytest.raises(asyncio.CancelledError):
        await leaver


async def test_workers_are_notified_after_the_commit() -> None:
    queue, notifier = MemoryQueue(), LocalNotifier()
    listening = asyncio.create_task(notifier.wait(Topic.COMMANDS, 5))
    await asyncio.sleep(0)
    await Enqueue(queue=queue, notifier=notifier, batch_max=500)(a_submission(1, 2))
    assert list(await listening) == [1, 2]


async def submit_in_turn(enqueue: Enqueue, count: int) -> list["asyncio.Task[EnqueueResult]"]:
    """Callers that arrive one event loop iteration after the other."""
    callers = []
    for number in range(1, count + 1):
        callers.append(asyncio.create_task(enqueue(a_submission(number))))
        await asyncio.sleep(0)
    return callers


async def test_concurrent_callers_are_stored_together() -> None:
    queue = MemoryQueue()
    enqueue = Enqueue(queue=queue, notifier=LocalNotifier(), batch_max=500)
    await asyncio.gather(*await submit_in_turn(enqueue, 5))
    assert queue.groups == [5]


async def test_a_small_group_after_a_large_one_waits_and_a_single_caller_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("oms.services.submission.enqueue.GATHER_SECONDS", 0.2)
    queue = MemoryQueue()
    enqueue = Enqueue(queue=queue, notifier=LocalNotifier(), batch_max=500)
    await asyncio.gather(*(enqueue(a_submission(number)) for number in range(1, 5)))
    first = asyncio.create_task(enqueue(a_submission(5)))
    for _ in range(5):
        await asyncio.sleep(0)
    await asyncio.gather(first, enqueue(a_submission(6)))
    assert queue.groups == [4, 2]
    await enqueue(a_submission(7))
    queue.has_begun.clear()
    alone = asyncio.create_task(enqueue(a_submission(8)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert queue.has_begun.is_set(), "a single caller is stored immediately"
    await alone
    assert queue.groups == [4, 2, 1, 1]


async def test_a_stream_of_callers_does_not_delay_the_first() -> None:
    queue = MemoryQueue()
    enqueue = Enqueue(queue=queue, notifier=LocalNotifier(), batch_max=500)
    callers = await submit_in_turn(enqueue, 60)
    assert queue.has_begun.is_set()
    await asyncio.gather(*callers)
    assert sum(queue.groups) == 60
    assert 10 < queue.groups[0] < 30
