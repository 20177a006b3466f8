"""Waiting for the ends of commands: rung, unrung, early, late, and while the database is away."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit.databases.memory_queue import NOON, MemoryQueue
from kit.gateway.local_notifier import LocalNotifier
from oms.domain.commands.command import CommandResult, CommandStatus
from oms.ports.notifier import Topic
from oms.services.submission.result_waiter import ResultWaiter
from oms.wire.commands.result_codec import dump_result_notice

FOREVER = 30.0


@pytest.fixture
async def queue() -> MemoryQueue:
    queue = MemoryQueue()
    queue.put(range(1, 11))
    return queue


@pytest.fixture
def bell() -> LocalNotifier:
    return LocalNotifier()


@pytest.fixture
async def waiting(queue: MemoryQueue, bell: LocalNotifier) -> AsyncIterator[ResultWaiter]:
    waiting = ResultWaiter(queue=queue, bell=bell, poll_seconds=0.05)
    running = asyncio.create_task(waiting.run())
    yield waiting
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not waiting._waited, "nobody waits any more, so nothing is kept"


async def test_a_ring_ends_the_wait(
    queue: MemoryQueue, bell: LocalNotifier, waiting: ResultWaiter
) -> None:
    waiting.poll_seconds = FOREVER
    asking = asyncio.create_task(waiting([1, 2], FOREVER))
    await asyncio.sleep(0)
    queue.end(1, 2)
    bell.notify(Topic.RESULTS, [1, 2])
    rows = await asyncio.wait_for(asking, 5)
    assert {row.status for row in rows.values()} == {CommandStatus.DONE}


async def test_a_lost_ring_costs_a_sweep(queue: MemoryQueue, waiting: ResultWaiter) -> None:
    asking = asyncio.create_task(waiting([1], FOREVER))
    await asyncio.sleep(0)
    queue.end(1)
    assert (await asyncio.wait_for(asking, 5))[1].status is CommandStatus.DONE


async def test_a_ring_before_the_wait_counts(
    queue: MemoryQueue, bell: LocalNotifier, waiting: ResultWaiter
) -> None:
    await asyncio.sleep(0)
    queue.end(3)
    bell.notify(Topic.RESULTS, [3])
    await waiting.wait_notified(5)
    waiting.poll_seconds = FOREVER
    assert (await asyncio.wait_for(waiting([3], FOREVER), 5))[3].status is CommandStatus.DONE


WORD = dump_result_notice(CommandResult(status=CommandStatus.DONE, order_id=7), NOON)


async def test_a_word_spares_the_look_of_who_knows_the_command(
    queue: MemoryQueue, bell: LocalNotifier, waiting: ResultWaiter
) -> None:
    waiting.poll_seconds = FOREVER
    asking = asyncio.create_task(waiting([1], FOREVER, {1: queue.command(1)}))
    await asyncio.sleep(0)
    bell.notify(Topic.RESULTS, [1], {1: WORD})
    row = (await asyncio.wait_for(asking, 5))[1]
    assert (row.status, row.order_id, row.finished_at) == (CommandStatus.DONE, 7, NOON)
    assert not queue.looks


async def test_a_word_before_the_wait_counts(
    queue: MemoryQueue, bell: LocalNotifier, waiting: ResultWaiter
) -> None:
    await asyncio.sleep(0)
    bell.notify(Topic.RESULTS, [1], {1: WORD})
    await waiting.wait_notified(5)
    waiting.poll_seconds = FOREVER
    rows = await asyncio.wait_for(waiting([1], FOREVER, {1: queue.command(1)}), 5)
    assert rows[1].status is CommandStatus.DONE
    assert not queue.looks


async def test_who_does_not_know_the_command_looks_beside_one_who_does(
    queue: MemoryQueue, bell: LocalNotifier, waiting: ResultWaiter
) -> None:
    waiting.poll_seconds = FOREVER
    sender = asyncio.create_task(waiting([1], FOREVER, {1: queue.command(1)}))
    reader = asyncio.create_task(waiting([1], FOREVER))
    await asyncio.sleep(0)
    queue.end(1)
    bell.notify(Topic.RESULTS, [1], {1: WORD})
    assert (await asyncio.wait_for(sender, 5))[1].order_id == 7
    assert (await asyncio.wait_for(reader, 5))[1].order_id is None
    assert queue.looks == [(1,)]


@pytest.mark.parametrize("word", ["", "[]", "no json", '["never_heard_of",null,null,7,""]'])
async def test_a_word_that_says_nothing_is_a_ring(
    queue: MemoryQueue, bell: LocalNotifier, waiting: ResultWaiter, word: str
) -> None:
    waiting.poll_seconds = FOREVER
    asking = asyncio.create_task(waiting([1], FOREVER, {1: queue.command(1)}))
    await asyncio.sleep(0)
    queue.end(1)
    bell.notify(Topic.RESULTS, [1], {1: word})
    assert (await asyncio.wait_for(asking, 5))[1].status is CommandStatus.DONE
    assert queue.looks == [(1,)]


async def test_when_the_time_is_over_rows_are_told_as_they_stand(
    queue: MemoryQueue, waiting: ResultWaiter
) -> None:
    queue.end(1)
    rows = await waiting([1, 2], 0.2)
    assert rows[1].status is CommandStatus.DONE
    assert rows[2].status is CommandStatus.QUEUED


async def test_no_wait_is_one_look(queue: MemoryQueue, waiting: ResultWaiter) -> None:
    assert (await waiting([1], 0))[1].status is CommandStatus.QUEUED
    assert await waiting([], FOREVER) == {}


async def test_many_waiters_share_one_look(queue: MemoryQueue, bell: LocalNotifier) -> None:
    waiting = ResultWaiter(queue=queue, bell=bell, poll_seconds=FOREVER)
    running = asyncio.create_task(waiting.run())
    asking = [asyncio.create_task(waiting([n, n + 1], FOREVER)) for n in range(1, 10)]
    await asyncio.sleep(0)
    queue.end(*range(1, 11))
    bell.notify(Topic.RESULTS, range(1, 11))
    await asyncio.wait_for(asyncio.gather(*asking), 5)
    assert [sorted(look) for look in queue.looks] == [list(range(1, 11))]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_one_who_leaves_does_not_end_it_for_others(
    queue: MemoryQueue, waiting: ResultWaiter
) -> None:
    leaver = asyncio.create_task(waiting([1], FOREVER))
    stayer = asyncio.create_task(waiting([1], FOREVER))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    queue.end(1)
    assert 1 in await asyncio.wait_for(stayer, 5)


async def test_an_outage_of_the_database_is_survived(
    queue: MemoryQueue, waiting: ResultWaiter, caplog: pytest.LogCaptureFixture
) -> None:
    queue.is_down = True
    asking = asyncio.create_task(waiting([1], FOREVER))
    assert await waiting([2], 0.15) == {}, "unread is left out, not raised"
    assert not asking.done()
    queue.end(1)
    queue.is_down = False
    assert (await asyncio.wait_for(asking, 5))[1].status is CommandStatus.DONE
    assert len(queue.looks) < 20, "no busy loop"
    assert "outcomes_unread" in caplog.text
