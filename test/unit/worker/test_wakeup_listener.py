"""The wakeup listener: no notification is lost between two waits, and no wait outlasts its end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from oms.adapters.local_notifier import LocalNotifier
from oms.ports.notifier import Topic
from oms.worker.wakeup_listener import POLL_FALLBACK_SECONDS, WakeupListener

LONG = 30.0


@pytest.fixture
async def notifier() -> LocalNotifier:
    return LocalNotifier()


@pytest.fixture
async def listener(notifier: LocalNotifier) -> AsyncIterator[WakeupListener]:
    listener = WakeupListener(notifier=notifier)
    yield listener
    await listener.close()


async def test_a_notification_ends_the_wait(
    notifier: LocalNotifier, listener: WakeupListener
) -> None:
    asyncio.get_running_loop().call_soon(notifier.notify, Topic.COMMANDS)
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await listener.wait(LONG)


async def test_a_notification_is_kept_for_the_next_wait(
    notifier: LocalNotifier, listener: WakeupListener
) -> None:
    await listener.wait(0)  # It listens from now on.
    notifier.notify(Topic.COMMANDS)
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await listener.wait(LONG)


async def test_a_notification_counts_once(
    notifier: LocalNotifier, listener: WakeupListener
) -> None:
    never = asyncio.get_running_loop().create_future()
    notifier.notify(Topic.COMMANDS)
    assert await listener.wait_before(never)
    done = asyncio.create_task(asyncio.sleep(0))
    assert not await listener.wait_before(done)


async def test_a_wait_ends_without_a_notification(listener: WakeupListener) -> None:
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await listener.wait(0.01)


async def test_silence_counts_as_a_notification_once_a_second(listener: WakeupListener) -> None:
    never = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(POLL_FALLBACK_SECONDS * 5):
        assert await listener.wait_before(never)


async def test_the_other_future_ends_the_wait_and_is_not_cancelled(
    notifier: LocalNotifier, listener: WakeupListener
) -> None:
    done = asyncio.create_task(asyncio.sleep(0, "kept"))
    notifier.notify(Topic.RESULTS)  # Another topic.
    assert not await listener.wait_before(done)
    notifier.notify(Topic.COMMANDS)
    assert not await listener.wait_before(done)
    assert await done == "kept"


async def test_an_error_of_the_notifier_is_raised(
    listener: WakeupListener, notifier: LocalNotifier
) -> None:
    async def broken(topic: Topic, timeout_seconds: float) -> list[int]:
        raise OSError("broken notifier")

    notifier.wait = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(OSError, match="broken notifier"):
        await listener.wait(LONG)


async def test_a_local_notification_ends_the_wait(listener: WakeupListener) -> None:
    asyncio.get_running_loop().call_soon(listener.notify)
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await listener.wait(LONG)
    listener.notify()
    listener.notify()
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await listener.wait(LONG)
    done = asyncio.create_task(asyncio.sleep(0))
    assert not await listener.wait_before(done)
