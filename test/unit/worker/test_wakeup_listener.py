"""The worker's ear: no ring is lost between two questions, and nobody waits for what is over."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit.gateway.local_notifier import LocalNotifier
from oms.ports.notifier import Topic
from oms.worker.wakeup_listener import POLL_FALLBACK_SECONDS, WakeupListener

LONG = 30.0


@pytest.fixture
async def bell() -> LocalNotifier:
    return LocalNotifier()


@pytest.fixture
async def ear(bell: LocalNotifier) -> AsyncIterator[WakeupListener]:
    ear = WakeupListener(bell=bell)
    yield ear
    await ear.close()


async def test_a_ring_ends_the_wait(bell: LocalNotifier, ear: WakeupListener) -> None:
    asyncio.get_running_loop().call_soon(bell.notify, Topic.COMMANDS)
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await ear.wait(LONG)


async def test_a_ring_is_kept_for_who_asks_later(bell: LocalNotifier, ear: WakeupListener) -> None:
    await ear.wait(0)  # it listens from now on
    bell.notify(Topic.COMMANDS)
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await ear.wait(LONG)


async def test_a_ring_is_heard_once(bell: LocalNotifier, ear: WakeupListener) -> None:
    never = asyncio.get_running_loop().create_future()
    bell.notify(Topic.COMMANDS)
    assert await ear.wait_before(never)
    over = asyncio.create_task(asyncio.sleep(0))
    assert not await ear.wait_before(over)


async def test_a_wait_ends_without_a_ring(ear: WakeupListener) -> None:
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await ear.wait(0.01)


async def test_silence_is_a_ring_once_a_second(ear: WakeupListener) -> None:
    never = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(POLL_FALLBACK_SECONDS * 5):
        assert await ear.wait_before(never)


async def test_what_is_over_is_not_waited_for_and_not_cancelled(
    bell: LocalNotifier, ear: WakeupListener
) -> None:
    over = asyncio.create_task(asyncio.sleep(0, "kept"))
    bell.notify(Topic.RESULTS)  # another topic
    assert not await ear.wait_before(over)
    bell.notify(Topic.COMMANDS)
    assert not await ear.wait_before(over)
    assert await over == "kept"


async def test_a_broken_bell_is_told(ear: WakeupListener, bell: LocalNotifier) -> None:
    async def broken(topic: Topic, timeout_seconds: float) -> list[int]:
        raise OSError("no bell")

    bell.wait = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(OSError, match="no bell"):
        await ear.wait(LONG)


async def test_who_stirs_it_ends_the_wait(ear: WakeupListener) -> None:
    asyncio.get_running_loop().call_soon(ear.notify)
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await ear.wait(LONG)
    ear.notify()
    ear.notify()
    async with asyncio.timeout(POLL_FALLBACK_SECONDS / 2):
        await ear.wait(LONG)
    over = asyncio.create_task(asyncio.sleep(0))
    assert not await ear.wait_before(over)
