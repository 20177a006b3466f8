"""Socket notifier: delivery to every listener, between waits and between processes.

The second process is a real one: it answers each notification with one of its own.
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
from kit.machine_load import stretch
from oms.adapters.socket_notifier import (
    DATAGRAM_BYTES_MAX,
    RESULT_BYTES_MAX,
    SocketNotifier,
    resolve_socket_folder,
)
from oms.ports.notifier import Topic

BIGGEST_ID = 2**53 - 1
LATENCY_SECONDS_MAX = 0.05
"""A notification takes about ten microseconds; without one a listener polls after a second."""

ECHO = """
import asyncio, sys
from pathlib import Path
from oms.adapters.socket_notifier import SocketNotifier
from oms.ports.notifier import Topic

async def main():
    notifier = SocketNotifier(Path(sys.argv[1]))
    while True:
        if ids := await notifier.wait(Topic.COMMANDS, 60):
            notifier.notify(Topic.RESULTS, ids)

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="notify-") as name:
        yield Path(name)


@asynccontextmanager
async def notifiers(folder: Path, count: int) -> AsyncIterator[list[SocketNotifier]]:
    """Yield notifiers of one folder, closed at the end; all but the first listen for results."""
    opened = [SocketNotifier(folder) for _ in range(count)]
    try:
        for notifier in opened[1:]:
            assert not await notifier.wait(Topic.RESULTS, 0)
        yield opened
    finally:
        for notifier in opened:
            await notifier.close()


@asynccontextmanager
async def echo(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that answers notifications until the end of the block."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", ECHO, str(folder))
    try:
        await wait_for_condition(lambda: listeners(folder, "commands"))
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def listeners(folder: Path, topic: str) -> list[str]:
    """Return the sockets of a topic's listeners, including dead ones."""
    names = os.listdir(folder) if folder.exists() else []
    return [str(folder / name) for name in names if name.startswith(topic)]


async def receive(notifier: SocketNotifier, count: int, seconds: float = 10) -> list[int]:
    """Return the received ids once ``count`` have arrived."""
    ids: list[int] = []
    async with asyncio.timeout(seconds):
        while len(ids) < count:
            ids += await notifier.wait(Topic.RESULTS, seconds)
    return ids


async def test_every_listener_gets_every_notification(folder: Path) -> None:
    async with notifiers(folder / "notify", 3) as (sender, one, two):
        sender.notify(Topic.RESULTS, [1, 2])
        sender.notify(Topic.COMMANDS, [7])
        sender.notify(Topic.RESULTS, [3])
        assert await receive(one, 3) == [1, 2, 3]
        assert await receive(two, 3) == [1, 2, 3]
        assert (folder / "notify").stat().st_mode & 0o777 == 0o700


async def test_notification_between_two_waits_is_kept(folder: Path) -> None:
    async with notifiers(folder, 2) as (sender, listener):
        sender.notify(Topic.RESULTS, [1])
        assert await receive(listener, 1) == [1]
        sender.notify(Topic.RESULTS)
        async with asyncio.timeout(5):  # far below the timeout of the wait
            assert not await listener.wait(Topic.RESULTS, 60)
        assert not await listener.wait(Topic.RESULTS, 0.01)


async def test_many_ids_are_split_into_datagrams(folder: Path) -> None:
    ids = list(range(BIGGEST_ID - 1999, BIGGEST_ID + 1))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as raw:
        raw.bind(str(folder / "results-raw.sock"))
        async with notifiers(folder, 2) as (sender, listener):
            sender.notify(Topic.RESULTS, ids)
            assert await receive(listener, len(ids)) == ids
        raw.setblocking(False)
        assert 0 < len(raw.recv(2 * DATAGRAM_BYTES_MAX)) <= DATAGRAM_BYTES_MAX


async def test_results_are_sent_with_their_ids_unless_too_long(folder: Path) -> None:
    results = {1: '{"é": "[1, 2]"}', 2: "x" * RESULT_BYTES_MAX} | dict.fromkeys(
        range(4, 900), "y" * 99
    )
    async with notifiers(folder, 2) as (sender, listener):
        sender.notify(Topic.RESULTS, [1, 2, 3, *range(4, 900)], results)
        received: dict[int, str] = {}
        async with asyncio.timeout(10):
            while len(received) < 899:
                received |= await listener.wait(Topic.RESULTS, 10)
    assert received == {**results, 2: "", 3: ""}


async def test_notifications_to_a_full_socket_are_sent_later(folder: Path) -> None:
    async with notifiers(folder, 2) as (sender, listener):
        for number in range(0, 5000, 5):  # the listener cannot read meanwhile
            sender.notify(Topic.RESULTS, range(number, number + 5))
        assert sorted(await receive(listener, 5000)) == list(range(5000))


async def test_socket_of_a_dead_listener_is_removed(folder: Path) -> None:
    async with echo(folder) as process, notifiers(folder, 2) as (sender, listener):
        sender.notify(Topic.COMMANDS, [1])
        assert await receive(listener, 1) == [1]
        process.kill()
        await process.wait()
        assert listeners(folder, "commands")
        sender.notify(Topic.COMMANDS, [2])
        assert not listeners(folder, "commands")
        async with echo(folder):
            sender.notify(Topic.COMMANDS, [3])
            assert await receive(listener, 1) == [3]


async def test_processes_notify_each_other_with_low_latency(folder: Path) -> None:
    async with echo(folder), notifiers(folder, 2) as (sender, listener):
        seconds: list[float] = []
        for number in range(200):
            begun = time.perf_counter()
            sender.notify(Topic.COMMANDS, [number])
            assert await receive(listener, 1) == [number]
            seconds.append((time.perf_counter() - begun) / 2)
    assert statistics.median(seconds) < stretch(LATENCY_SECONDS_MAX)


async def test_invalid_datagram_is_a_notification_without_ids(folder: Path) -> None:
    async with notifiers(folder, 2) as (sender, listener):
        (path,) = listeners(folder, "results")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as foreign:
            for text in (b"\xff", b"{}", b'[[1], "x", null]'):
                foreign.sendto(text, path)
        sender.notify(Topic.RESULTS, [5])
        assert await receive(listener, 1) == [5]


async def test_too_long_path_maps_to_a_short_shared_folder(folder: Path) -> None:
    deep = folder / ("very-long-" * 12)
    short = resolve_socket_folder(deep)
    async with notifiers(deep, 2) as (sender, listener):
        sender.notify(Topic.RESULTS, [1])
        assert await receive(listener, 1) == [1]
        assert listeners(short, "results")
    assert short != deep
    assert short == resolve_socket_folder(deep) != resolve_socket_folder(deep / "other")
    assert not short.exists(), "the fallback folder is removed"


async def test_unusable_folder_is_logged_once_and_wait_times_out(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = folder / "file"
    blocked.write_text("a file where a folder should be")
    notifier = SocketNotifier(blocked)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            notifier.notify(Topic.RESULTS, [1])
            assert not await notifier.wait(Topic.RESULTS, 0.01)
    assert [record.message.split()[0] for record in caplog.records] == ["notifier_unusable"]
    await notifier.close()


async def test_close_ends_a_wait(folder: Path) -> None:
    notifier = SocketNotifier(folder)
    waiting = asyncio.create_task(notifier.wait(Topic.RESULTS, 60))
    await wait_for_condition(lambda: os.listdir(folder))
    await notifier.close()
    async with asyncio.timeout(5):
        assert not await waiting
    assert os.listdir(folder) == []
    notifier.notify(Topic.RESULTS, [1])
    began = asyncio.get_running_loop().time()
    assert not await notifier.wait(Topic.RESULTS, 0.05)
    assert asyncio.get_running_loop().time() - began > 0.04, (
        "a closed notifier must not return immediately"
    )
