"""Notifications between hosts: two folders of sockets on one machine, with a real Redis between.

What is lost while the server is away is found by polling, so it is not expected here; what is sent
after its return arrives.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kit.databases.redis import PrivateRedis
from oms.adapters import redis_notifier
from oms.adapters.redis_notifier import RedisNotifier, socket_origin
from oms.adapters.socket_notifier import SocketNotifier
from oms.ports.notifier import Topic

SECONDS_MAX = 20.0


@pytest.fixture(scope="module")
def redis() -> Iterator[PrivateRedis]:
    """A server for this file."""
    with tempfile.TemporaryDirectory(prefix="redis-") as name, PrivateRedis(Path(name)) as server:
        yield server


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """The folders of sockets of two hosts."""
    with (
        tempfile.TemporaryDirectory(prefix="host-") as a,
        tempfile.TemporaryDirectory(prefix="host-") as b,
    ):
        yield Path(a), Path(b)


@asynccontextmanager
async def host_notifiers(
    redis: PrivateRedis, folders: tuple[Path, Path], prefix: str = "one"
) -> AsyncIterator[tuple[RedisNotifier, RedisNotifier]]:
    """Yield a notifier of each host, of which the second listens for results."""
    first, second = (
        RedisNotifier(SocketNotifier(f), redis.url, prefix=prefix, origin=socket_origin(f))
        for f in folders
    )
    try:
        await second.wait(Topic.RESULTS, 0)
        yield first, second
    finally:
        await first.close()
        await second.close()


async def receive(
    sender: RedisNotifier, listener: RedisNotifier, command_id: int, result: str
) -> str:
    """Send until the listener gets the id; return the text that came with it."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            sender.notify(Topic.RESULTS, [command_id], {command_id: result})
            received = await listener.wait(Topic.RESULTS, 0.1)
            if command_id in received:
                return received[command_id]


async def test_ids_and_results_reach_the_other_host(
    redis: PrivateRedis, folders: tuple[Path, Path]
) -> None:
    async with host_notifiers(redis, folders) as (first, second):
        assert await receive(first, second, 7, '{"status":"done"}') == '{"status":"done"}'
        # A subscription is kept: the next one arrives without a repetition.
        first.notify(Topic.RESULTS, [8, 9], {9: "x"})
        received: dict[int, str] = {}
        async with asyncio.timeout(SECONDS_MAX):
            while 9 not in received:
                received.update(await second.wait(Topic.RESULTS, 1.0))
        assert received[8] == "" and received[9] == "x"


async def test_processes_of_one_host_get_each_notification_once(
    redis: PrivateRedis, folders: tuple[Path, Path]
) -> None:
    here, _ = folders
    async with (
        host_notifiers(redis, (here, here)) as (first, second),
        host_notifiers(redis, folders) as (_, other),
    ):
        await receive(first, other, 1, "")
        while await second.wait(Topic.RESULTS, 0):
            pass
        first.notify(Topic.RESULTS, [2], {2: "y"})
        received: dict[int, str] = {}
        async with asyncio.timeout(SECONDS_MAX):
            while 2 not in received:
                received.update(await other.wait(Topic.RESULTS, 1.0))
        # The other host has it by Redis, so a second copy would have come to this one as well.
        assert await second.wait(Topic.RESULTS, 1.0) == {2: "y"}
        assert await second.wait(Topic.RESULTS, 0) == {}


async def test_installations_on_one_server_are_separate(
    redis: PrivateRedis, folders: tuple[Path, Path]
) -> None:
    async with (
        host_notifiers(redis, folders, "left") as (first, left),
        host_notifiers(redis, folders, "right") as (other, right),
    ):
        await receive(first, left, 3, "")
        await receive(other, right, 4, "")
        assert 3 not in await right.wait(Topic.RESULTS, 0)


@pytest.mark.parametrize("fault", ["killed", "paused"])
async def test_notifications_arrive_again_after_the_server_was_away(
    redis: PrivateRedis,
    folders: tuple[Path, Path],
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(redis_notifier, "PING_SECONDS", 0.1)
    monkeypatch.setattr(redis_notifier, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(redis_notifier, "RECONNECT_SECONDS", 0.05)
    async with host_notifiers(redis, folders) as (first, second):
        await receive(first, second, 1, "")
        if fault == "killed":
            redis.kill()
        else:
            redis.pause()
        async with asyncio.timeout(SECONDS_MAX):
            while "redis_unreachable task=results" not in caplog.text:
                first.notify(Topic.RESULTS, [2])  # neither blocks nor raises
                await asyncio.sleep(0.05)
        if fault == "killed":
            redis.start()
        else:
            redis.resume()
        assert await receive(first, second, 5, "back") == "back"
        assert caplog.text.count("redis_unreachable task=publish") <= 2
