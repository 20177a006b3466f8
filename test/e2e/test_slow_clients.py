"""Well-behaved clients are served beside 300 slow connections at a limit of 256 descriptors."""

import contextlib
import http.client
import json
import os
import resource
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from kit.gateway.processes import Gateway
from kit.http.client import call

DESCRIPTORS = 256
SLOW_CONNECTIONS = 300
ROUNDS = 10
SECONDS_MAX = 5.0
"""A response takes milliseconds; a client that is locked out waits for ever."""

ATTACKS = {
    "idle sockets": b"",
    "answered, then idle": b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "half heads": b"POST /oms/commands HTTP/1.1\r\nHost: x\r\nx-api-key: ",
    "half bodies": b"POST /auth/login-password HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
    "half WebSockets": b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n",
}


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose processes may have 256 descriptors each."""
    running = Gateway(tmp_path_factory.mktemp("narrow"), workers=1, is_forked=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
    try:
        running.start()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        yield running
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        running.stop()


@contextmanager
def attack(port: int, sent: bytes) -> Iterator[None]:
    """Holds the slow connections open, and opens a new one for each that the server closes."""
    stopping = threading.Event()
    full = threading.Event()

    def hold() -> None:
        sockets: list[socket.socket] = []
        while not stopping.is_set():
            while len(sockets) < SLOW_CONNECTIONS:
                slow = socket.create_connection(("127.0.0.1", port), timeout=5)
                with contextlib.suppress(OSError):
                    slow.sendall(sent)
                sockets.append(slow)
            full.set()
            poller = select.poll()
            by_number = {each.fileno(): each for each in sockets}
            for number in by_number:
                poller.register(number, select.POLLIN | select.POLLHUP | select.POLLERR)
            for number, _ in poller.poll(20):
                try:
                    is_closed = not by_number[number].recv(4096)
                except OSError:
                    is_closed = True
                if is_closed:
                    by_number[number].close()
                    sockets.remove(by_number[number])
        for each in sockets:
            each.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert full.wait(60)
        yield
    finally:
        stopping.set()
        thread.join()


def latencies(ask: Callable[[], int]) -> list[float]:
    """Seconds of each of some requests, which are all answered."""
    seconds: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        assert ask() == 200
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)


@pytest.mark.parametrize("name", ATTACKS)
def test_well_behaved_clients_get_their_responses(
    narrow: Gateway, request: pytest.FixtureRequest, name: str
) -> None:
    (pid,) = narrow.api_pids()
    kept = http.client.HTTPConnection("127.0.0.1", narrow.port, timeout=SECONDS_MAX)
    request.addfinalizer(kept.close)

    def ask_on_kept_connection() -> int:
        payload = {"symbol": "BTC/USDT:USDT"}
        command = {"account_id": narrow.netting_account_id, "command": "cancel_all_orders"}
        body = json.dumps(command | {"payload": payload})
        headers = {"x-api-key": narrow.api_key, "content-type": "application/json"}
        kept.request("POST", "/oms/commands", body, headers)
        response = kept.getresponse()
        response.read()
        return response.status

    def ask_on_new_connection() -> int:
        return call(narrow, "GET", "/oms/accounts", seconds=SECONDS_MAX)[0]

    assert ask_on_kept_connection() == 200
    port = kept.sock.getsockname()[1]
    with attack(narrow.port, ATTACKS[name]):
        commands, reads = latencies(ask_on_kept_connection), latencies(ask_on_new_connection)
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    assert kept.sock.getsockname()[1] == port, "the connection was closed"
    assert descriptors < DESCRIPTORS
    for kind, seconds in (("command", commands), ("new connection", reads)):
        median, longest = seconds[ROUNDS // 2] * 1000, seconds[-1] * 1000
        print(f"{name}: {kind}: median {median:.1f} ms, longest {longest:.1f} ms, {descriptors}")
