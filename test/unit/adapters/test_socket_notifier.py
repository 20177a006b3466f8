"""The doorbell: every listener hears every ring, between two waits and between two processes.

The second process is a real one: it answers each ring with a ring of its own.
"""

import asyncio
import logging
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kit.http.websocket_client import wait_for_condition
from oms.adapters.socket_notifier import (
    DATAGRAM_BYTES_MAX,
    RESULT_BYTES_MAX,
    SocketNotifier,
    resolve_socket_folder,
)
from oms.ports.notifier import Topic

BIGGEST_ID = 2**53 - 1
LATENCY_SECONDS_MAX = 0.05
"""A ring takes some ten microseconds; without one, a listener looks after a second."""

ECHO = """
import asyncio, sys
from pathlib import Path
from oms.adapters.socket_notifier import SocketNotifier
from oms.ports.notifier import Topic

async def main():
    bell = SocketNotifier(Path(sys.argv[1]))
    while True:
        if ids := await bell.wait(Topic.COMMANDS, 60):
            bell.notify(Topic.RESULTS, ids)

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="bell-") as name:
        yield Path(name)


@asynccontextmanager
async def bells(folder: Path, count: int) -> AsyncIterator[list[SocketNotifier]]:
    """Bells of one folder, closed at the end; all but the first listen for results."""
    made = [SocketNotifier(folder) for _ in range(count)]
    try:
        for bell in made[1:]:
            assert not await bell.wait(Topic.RESULTS, 0)
        yield made
    finally:
        for bell in made:
            await bell.close()


@asynccontextmanager
async def echo(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that answers rings, until the end of the block."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", ECHO, str(folder))
    try:
        await wait_for_condition(lambda: listeners(folder, "commands"))
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def listeners(folder: Path, topic: str) -> list[str]:
    """The sockets of those who listen for a topic, dead ones included."""
    names = os.listdir(folder) if folder.exists() else []
    return [str(folder / name) for name in names if name.startswith(topic)]


async def heard(bell: SocketNotifier, count: int, seconds: float = 10) -> list[int]:
    """What is rung until ``count`` ids have come."""
    ids: list[int] = []
    async with asyncio.timeout(seconds):
        while len(ids) < count:
            ids += await bell.wait(Topic.RESULTS, seconds)
    return ids


async def test_every_listener_hears_every_ring(folder: Path) -> None:
    async with bells(folder / "bell", 3) as (ringer, one, two):
        ringer.notify(Topic.RESULTS, [1, 2])
        ringer.notify(Topic.COMMANDS, [7])
        ringer.notify(Topic.RESULTS, [3])
        assert await heard(one, 3) == [1, 2, 3]
        assert await heard(two, 3) == [1, 2, 3]
        assert (folder / "bell").stat().st_mode & 0o777 == 0o700


async def test_a_ring_between_two_waits_is_kept(folder: Path) -> None:
    async with bells(folder, 2) as (ringer, listener):
        ringer.notify(Topic.RESULTS, [1])
        assert await heard(listener, 1) == [1]
        ringer.notify(Topic.RESULTS)
        async with asyncio.timeout(5):  # far from the time-out of the wait
            assert not await listener.wait(Topic.RESULTS, 60)
        assert not await listener.wait(Topic.RESULTS, 0.01)


async def test_many_ids_come_in_datagrams_of_a_limited_size(folder: Path) -> None:
    ids = list(range(BIGGEST_ID - 1999, BIGGEST_ID + 1))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as raw:
        raw.bind(str(folder / "results-raw.sock"))
        async with bells(folder, 2) as (ringer, listener):
            ringer.notify(Topic.RESULTS, ids)
            assert await heard(listener, len(ids)) == ids
        raw.setblocking(False)
        assert 0 < len(raw.recv(2 * DATAGRAM_BYTES_MAX)) <= DATAGRAM_BYTES_MAX


async def test_words_go_with_their_ids_unless_they_are_long(folder: Path) -> None:
    results = {1: '{"é": "[1, 2]"}', 2: "x" * RESULT_BYTES_MAX} | dict.fromkeys(
        range(4, 900), "y" * 99
    )
    async with bells(folder, 2) as (ringer, listener):
        ringer.notify(Topic.RESULTS, [1, 2, 3, *range(4, 900)], results)
        told: dict[int, str] = {}
        async with asyncio.timeout(10):
            while len(told) < 899:
                told |= await listener.wait(Topic.RESULTS, 10)
    assert told == {**results, 2: "", 3: ""}


async def test_rings_that_find_no_room_are_told_later(folder: Path) -> None:
    async with bells(folder, 2) as (ringer, listener):
        for number in range(0, 5000, 5):  # the listener cannot listen meanwhile
            ringer.notify(Topic.RESULTS, range(number, number + 5))
        assert sorted(await heard(listener, 5000)) == list(range(5000))


async def test_a_listener_that_is_gone_is_forgotten(folder: Path) -> None:
    async with echo(folder) as process, bells(folder, 2) as (ringer, listener):
        ringer.notify(Topic.COMMANDS, [1])
        assert await heard(listener, 1) == [1]
        process.kill()
        await process.wait()
        assert listeners(folder, "commands")
        ringer.notify(Topic.COMMANDS, [2])
        assert not listeners(folder, "commands")
        async with echo(folder):
            ringer.notify(Topic.COMMANDS, [3])
            assert await heard(listener, 1) == [3]


async def test_two_processes_wake_each_other_at_once(folder: Path) -> None:
    async with echo(folder), bells(folder, 2) as (ringer, listener):
        seconds: list[float] = []
        for number in range(200):
            begun = time.perf_counter()
            ringer.notify(Topic.COMMANDS, [number])
            assert await heard(listener, 1) == [number]
            seconds.append((time.perf_counter() - begun) / 2)
    assert statistics.median(seconds) < LATENCY_SECONDS_MAX


async def test_a_stranger_s_words_are_a_ring_without_ids(folder: Path) -> None:
    async with bells(folder, 2) as (ringer, listener):
        (path,) = listeners(folder, "results")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            for text in (b"\xff", b"{}", b'[[1], "x", null]'):
                stranger.sendto(text, path)
        ringer.notify(Topic.RESULTS, [5])
        assert await heard(listener, 1) == [5]


async def test_a_path_that_is_too_long_is_one_short_folder_for_all(folder: Path) -> None:
    deep = folder / ("very-long-" * 12)
    short = resolve_socket_folder(deep)
    async with bells(deep, 2) as (ringer, listener):
        ringer.notify(Topic.RESULTS, [1])
        assert await heard(listener, 1) == [1]
        assert listeners(short, "results")
    assert short != deep
    assert short == resolve_socket_folder(deep) != resolve_socket_folder(deep / "other")
    assert not short.exists(), "what was made in the system's folder is removed"


async def test_without_a_folder_waiting_takes_its_time_and_is_told_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = folder / "file"
    blocked.write_text("a file where a folder should be")
    bell = SocketNotifier(blocked)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            bell.notify(Topic.RESULTS, [1])
            assert not await bell.wait(Topic.RESULTS, 0.01)
    assert [record.message.split()[0] for record in caplog.records] == ["doorbell_unusable"]
    await bell.close()


async def test_who_waits_returns_when_the_bell_is_closed(folder: Path) -> None:
    bell = SocketNotifier(folder)
    waiting = asyncio.create_task(bell.wait(Topic.RESULTS, 60))
    await wait_for_condition(lambda: os.listdir(folder))
    await bell.close()
    async with asyncio.timeout(5):
        assert not await waiting
    assert os.listdir(folder) == []
    bell.notify(Topic.RESULTS, [1])
    began = asyncio.get_running_loop().time()
    assert not await bell.wait(Topic.RESULTS, 0.05)
    assert asyncio.get_running_loop().time() - began > 0.04, "nobody turns round and round"
