"""Settings of the processes."""

import errno
import gc
import socket
import time
from typing import Any

import pytest

from oms.cli.processes import GC_THRESHOLDS, open_listener

SECONDS_MAX = 0.05
ATTEMPTS = 4


def test_one_garbage_collection_does_not_hold_the_event_loop() -> None:
    """Closed connections are cycles of objects: all of one collection are freed in one step."""
    longest = float("inf")
    gc.disable()
    try:
        for _ in range(ATTEMPTS):
            gc.collect(0)
            for number in range(GC_THRESHOLDS[0] // 2):
                cycle: dict[str, object] = {"number": number, "text": f"{number}"}
                cycle["self"] = [cycle]
            started = time.thread_time()
            gc.collect(0)
            longest = min(longest, time.thread_time() - started)
    finally:
        gc.enable()
    assert longest < SECONDS_MAX


def test_a_connection_is_accepted_with_its_first_bytes() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        listener.setblocking(False)
        with socket.create_connection(listener.getsockname(), timeout=5) as client:
            with pytest.raises(BlockingIOError):
                listener.accept()
            client.sendall(b"GET")
            listener.settimeout(5)
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.recv(3, socket.MSG_DONTWAIT) == b"GET"


def test_a_kernel_that_accepts_silent_connections_only_is_served_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusing(socket.socket):
        def setsockopt(self, level: int, name: int, value: Any) -> None:
            if name == socket.TCP_DEFER_ACCEPT:
                raise OSError(errno.ENOPROTOOPT, "Protocol not available")
            super().setsockopt(level, name, value)

    monkeypatch.setattr(socket, "socket", Refusing)
    with open_listener("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0
