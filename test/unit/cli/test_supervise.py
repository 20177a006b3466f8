"""When a child is given up, and how long its successor waits."""

import os
from collections.abc import Iterator

import pytest

from oms.cli import supervise
from oms.cli.supervise import RESTART_SECONDS, START_SECONDS_MAX, Child


class Watch:
    """A clock that a test sets."""

    seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """The clock of the supervisor."""
    watch = Watch()
    monkeypatch.setattr(supervise, "time", watch)
    return watch


@pytest.fixture
def child(watch: Watch) -> Iterator[tuple[Child, int]]:
    """A child that was just started, and the end of the pipe on which it tells that it lives."""
    reader, writer = os.pipe2(os.O_NONBLOCK)
    child = Child("api", ["api"], silence_seconds_max=5, heartbeat=reader)
    child.heard_at = watch.seconds
    yield child, writer
    os.close(writer)
    if child.heartbeat == reader:
        os.close(reader)


def test_a_child_may_take_its_time_to_start(child: tuple[Child, int], watch: Watch) -> None:
    starting, _ = child
    starting.listen()
    watch.seconds += START_SECONDS_MAX
    assert not starting.is_silent()
    watch.seconds += 1
    assert starting.is_silent()


def test_a_child_that_spoke_may_not_fall_silent(child: tuple[Child, int], watch: Watch) -> None:
    living, writer = child
    os.write(writer, b"..")
    living.listen()
    watch.seconds += 5
    assert not living.is_silent()
    watch.seconds += 0.1
    assert living.is_silent()
    os.write(writer, b".")
    living.listen()
    assert not living.is_silent()


def test_who_never_comes_to_live_waits_longer_each_time(watch: Watch) -> None:
    child = Child("api", ["api"], silence_seconds_max=5)
    waits = []
    for _ in range(7):
        child.heartbeat, writer = os.pipe()
        os.close(writer)
        watch.seconds += 60
        child.bury()
        waits.append(round(child.start_at - watch.seconds, 3))
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    child.heartbeat, writer = os.pipe()
    os.close(writer)
    child.spoke_at = watch.seconds
    watch.seconds += 3
    child.bury()
    assert child.start_at - watch.seconds == pytest.approx(RESTART_SECONDS[0])
