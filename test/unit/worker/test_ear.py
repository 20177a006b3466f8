"""The worker's ear: no ring is lost between two questions, and nobody waits for what is over."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit.bell import LocalBell
from oms.ports.wakeup import Topic
from oms.worker.ear import SWEEP_SECONDS, Ear

LONG = 30.0


@pytest.fixture
async def bell() -> LocalBell:
    return LocalBell()


@pytest.fixture
async def ear(bell: LocalBell) -> AsyncIterator[Ear]:
    ear = Ear(bell=bell)
    yield ear
    await ear.close()


async def test_a_ring_ends_the_wait(bell: LocalBell, ear: Ear) -> None:
    asyncio.get_running_loop().call_soon(bell.ring, Topic.COMMANDS)
    async with asyncio.timeout(SWEEP_SECONDS / 2):
        await ear.wait(LONG)


async def test_a_ring_is_kept_for_who_asks_later(bell: LocalBell, ear: Ear) -> None:
    await ear.wait(0)  # it listens from now on
    bell.ring(Topic.COMMANDS)
    async with asyncio.timeout(SWEEP_SECONDS / 2):
        await ear.wait(LONG)


async def test_a_ring_is_heard_once(bell: LocalBell, ear: Ear) -> None:
    never = asyncio.get_running_loop().create_future()
    bell.ring(Topic.COMMANDS)
    assert await ear.rings_before(never)
    over = asyncio.create_task(asyncio.sleep(0))
    assert not await ear.rings_before(over)


async def test_a_wait_ends_without_a_ring(ear: Ear) -> None:
    async with asyncio.timeout(SWEEP_SECONDS / 2):
        await ear.wait(0.01)


async def test_silence_is_a_ring_once_a_second(ear: Ear) -> None:
    never = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(SWEEP_SECONDS * 5):
        assert await ear.rings_before(never)


async def test_what_is_over_is_not_waited_for_and_not_cancelled(bell: LocalBell, ear: Ear) -> None:
    over = asyncio.create_task(asyncio.sleep(0, "kept"))
    bell.ring(Topic.RESULTS)  # another topic
    assert not await ear.rings_before(over)
    bell.ring(Topic.COMMANDS)
    assert not await ear.rings_before(over)
    assert await over == "kept"


async def test_a_broken_bell_is_told(ear: Ear, bell: LocalBell) -> None:
    async def broken(topic: Topic, timeout_seconds: float) -> list[int]:
        raise OSError("no bell")

    bell.wait = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(OSError, match="no bell"):
        await ear.wait(LONG)


async def test_who_stirs_it_ends_the_wait(ear: Ear) -> None:
    asyncio.get_running_loop().call_soon(ear.stir)
    async with asyncio.timeout(SWEEP_SECONDS / 2):
        await ear.wait(LONG)
    ear.stir()
    ear.stir()
    async with asyncio.timeout(SWEEP_SECONDS / 2):
        await ear.wait(LONG)
    over = asyncio.create_task(asyncio.sleep(0))
    assert not await ear.rings_before(over)
