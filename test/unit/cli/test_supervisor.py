"""Heartbeat timeouts and restart delays of the supervisor."""

import os
from collections.abc import Iterator

import pytest

from oms.cli import supervisor
from oms.cli.supervisor import RESTART_DELAY_SECONDS, START_TIMEOUT_SECONDS, ChildProcess


class Watch:
    """A clock set by a test."""

    seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """The clock of the supervisor."""
    watch = Watch()
    monkeypatch.setattr(supervisor, "time", watch)
    return watch


@pytest.fixture
def child(watch: Watch) -> Iterator[tuple[ChildProcess, int]]:
    """A process just started, and the writing end of its heartbeat pipe."""
    reader, writer = os.pipe2(os.O_NONBLOCK)
    child = ChildProcess("api", ["api"], silence_seconds_max=5, heartbeat_fd=reader)
    child.last_heartbeat_at = watch.seconds
    yield child, writer
    os.close(writer)
    if child.heartbeat_fd == reader:
        os.close(reader)


def test_start_has_a_longer_timeout(child: tuple[ChildProcess, int], watch: Watch) -> None:
    starting, _ = child
    starting.read_heartbeats()
    watch.seconds += START_TIMEOUT_SECONDS
    assert not starting.is_silent()
    watch.seconds += 1
    assert starting.is_silent()


def test_missing_heartbeat_is_detected(child: tuple[ChildProcess, int], watch: Watch) -> None:
    living, writer = child
    os.write(writer, b"..")
    living.read_heartbeats()
    watch.seconds += 5
    assert not living.is_silent()
    watch.seconds += 0.1
    assert living.is_silent()
    os.write(writer, b".")
    living.read_heartbeats()
    assert not living.is_silent()


def test_restart_delay_grows_without_heartbeats(watch: Watch) -> None:
    child = ChildProcess("api", ["api"], silence_seconds_max=5)
    waits = []
    for _ in range(7):
        child.heartbeat_fd, writer = os.pipe()
        os.close(writer)
        watch.seconds += 60
        child.schedule_restart()
        waits.append(round(child.start_at - watch.seconds, 3))
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    child.heartbeat_fd, writer = os.pipe()
    os.close(writer)
    child.first_heartbeat_at = watch.seconds
    watch.seconds += 3
    child.schedule_restart()
    assert child.start_at - watch.seconds == pytest.approx(RESTART_DELAY_SECONDS[0])
