"""Waiting for results: notified, not notified, early, late, and during a database outage."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit.databases.memory_queue import NOON, MemoryQueue
from oms.adapters.local_notifier import LocalNotifier
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
def notifier() -> LocalNotifier:
    return LocalNotifier()


@pytest.fixture
async def waiter(queue: MemoryQueue, notifier: LocalNotifier) -> AsyncIterator[ResultWaiter]:
    waiter = ResultWaiter(queue=queue, notifier=notifier, poll_seconds=0.05)
    running = asyncio.create_task(waiter.run())
    yield waiter
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not waiter._waited, "no waiter is left, so nothing is kept"


async def test_a_notification_ends_the_wait(
    queue: MemoryQueue, notifier: LocalNotifier, waiter: ResultWaiter
) -> None:
    waiter.poll_seconds = FOREVER
    wait = asyncio.create_task(waiter([1, 2], FOREVER))
    await asyncio.sleep(0)
    queue.end(1, 2)
    notifier.notify(Topic.RESULTS, [1, 2])
    rows = await asyncio.wait_for(wait, 5)
    assert {row.status for row in rows.values()} == {CommandStatus.DONE}


async def test_a_lost_notification_is_found_by_the_poll(
    queue: MemoryQueue, waiter: ResultWaiter
) -> None:
    wait = asyncio.create_task(waiter([1], FOREVER))
    await asyncio.sleep(0)
    queue.end(1)
    assert (await asyncio.wait_for(wait, 5))[1].status is CommandStatus.DONE


async def test_a_notification_before_the_wait_counts(
    queue: MemoryQueue, notifier: LocalNotifier, waiter: ResultWaiter
) -> None:
    await asyncio.sleep(0)
    queue.end(3)
    notifier.notify(Topic.RESULTS, [3])
    await waiter.wait_notified(5)
    waiter.poll_seconds = FOREVER
    assert (await asyncio.wait_for(waiter([3], FOREVER), 5))[3].status is CommandStatus.DONE


OUTCOME = dump_result_notice(CommandResult(status=CommandStatus.DONE, order_id=7), NOON)


async def test_an_outcome_spares_the_query_for_a_stored_command(
    queue: MemoryQueue, notifier: LocalNotifier, waiter: ResultWaiter
) -> None:
    waiter.poll_seconds = FOREVER
    wait = asyncio.create_task(waiter([1], FOREVER, {1: queue.command(1)}))
    await asyncio.sleep(0)
    notifier.notify(Topic.RESULTS, [1], {1: OUTCOME})
    row = (await asyncio.wait_for(wait, 5))[1]
    assert (row.status, row.order_id, row.finished_at) == (CommandStatus.DONE, 7, NOON)
    assert not queue.lookups


async def test_an_outcome_before_the_wait_counts(
    queue: MemoryQueue, notifier: LocalNotifier, waiter: ResultWaiter
) -> None:
    await asyncio.sleep(0)
    notifier.notify(Topic.RESULTS, [1], {1: OUTCOME})
    await waiter.wait_notified(5)
    waiter.poll_seconds = FOREVER
    rows = await asyncio.wait_for(waiter([1], FOREVER, {1: queue.command(1)}), 5)
    assert rows[1].status is CommandStatus.DONE
    assert not queue.lookups


async def test_a_waiter_without_the_command_queries_beside_one_with_it(
    queue: MemoryQueue, notifier: LocalNotifier, waiter: ResultWaiter
) -> None:
    waiter.poll_seconds = FOREVER
    sender = asyncio.create_task(waiter([1], FOREVER, {1: queue.command(1)}))
    reader = asyncio.create_task(waiter([1], FOREVER))
    await asyncio.sleep(0)
    queue.end(1)
    notifier.notify(Topic.RESULTS, [1], {1: OUTCOME})
    assert (await asyncio.wait_for(sender, 5))[1].order_id == 7
    assert (await asyncio.wait_for(reader, 5))[1].order_id is None
    assert queue.lookups == [(1,)]


@pytest.mark.parametrize("outcome", ["", "[]", "no json", '["unknown_status",null,null,7,""]'])
async def test_an_invalid_outcome_counts_as_a_notification(
    queue: MemoryQueue, notifier: LocalNotifier, waiter: ResultWaiter, outcome: str
) -> None:
    waiter.poll_seconds = FOREVER
    wait = asyncio.create_task(waiter([1], FOREVER, {1: queue.command(1)}))
    await asyncio.sleep(0)
    queue.end(1)
    notifier.notify(Topic.RESULTS, [1], {1: outcome})
    assert (await asyncio.wait_for(wait, 5))[1].status is CommandStatus.DONE
    assert queue.lookups == [(1,)]


async def test_after_the_timeout_rows_are_returned_as_they_are(
    queue: MemoryQueue, waiter: ResultWaiter
) -> None:
    queue.end(1)
    rows = await waiter([1, 2], 0.2)
    assert rows[1].status is CommandStatus.DONE
    assert rows[2].status is CommandStatus.QUEUED


async def test_no_wait_is_one_query(queue: MemoryQueue, waiter: ResultWaiter) -> None:
    assert (await waiter([1], 0))[1].status is CommandStatus.QUEUED
    assert await waiter([], FOREVER) == {}


async def test_many_waiters_share_one_query(queue: MemoryQueue, notifier: LocalNotifier) -> None:
    waiter = ResultWaiter(queue=queue, notifier=notifier, poll_seconds=FOREVER)
    running = asyncio.create_task(waiter.run())
    wait = [asyncio.create_task(waiter([n, n + 1], FOREVER)) for n in range(1, 10)]
    await asyncio.sleep(0)
    queue.end(*range(1, 11))
    notifier.notify(Topic.RESULTS, range(1, 11))
    await asyncio.wait_for(asyncio.gather(*wait), 5)
    assert [sorted(look) for look in queue.lookups] == [list(range(1, 11))]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_cancelled_waiter_does_not_affect_others(
    queue: MemoryQueue, waiter: ResultWaiter
) -> None:
    cancelled = asyncio.create_task(waiter([1], FOREVER))
    other = asyncio.create_task(waiter([1], FOREVER))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    queue.end(1)
    assert 1 in await asyncio.wait_for(other, 5)


async def test_an_outage_of_the_database_is_survived(
    queue: MemoryQueue, waiter: ResultWaiter, caplog: pytest.LogCaptureFixture
) -> None:
    queue.is_down = True
    wait = asyncio.create_task(waiter([1], FOREVER))
    assert await waiter([2], 0.15) == {}, "an unreadable row is left out, not raised"
    assert not wait.done()
    queue.end(1)
    queue.is_down = False
    assert (await asyncio.wait_for(wait, 5))[1].status is CommandStatus.DONE
    assert len(queue.lookups) < 20, "no busy loop"
    assert "outcomes_unread" in caplog.text
