"""The clients of a load end with its block, so that none disturbs a later test."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kit.http.threaded_server import serve_in_thread
from kit.load.command_load import CommandLoad
from kit.load.lifecycle_load import TradingLoad

ANSWER = b'{"results": [{"command_id": 1, "status": "queued"}]}'


class NeverDone(BaseHTTPRequestHandler):
    """A gateway that accepts every command and executes none."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with serve_in_thread(ThreadingHTTPServer(("127.0.0.1", 0), NeverDone)) as address:
        yield address


@pytest.fixture(params=["commands", "lifecycles"])
def load(request: pytest.FixtureRequest, url: str) -> CommandLoad:
    if request.param == "commands":
        return CommandLoad(url, "key", [1, 2], total=100, clients=4)
    return TradingLoad(url, "key", [1], total=100, clients=4, hedge_ids=[2], seed=1)


def test_clients_end_with_a_test_that_fails(
    load: CommandLoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(args.exc_value))
    with pytest.raises(AssertionError, match="a check of the test"):
        with load:
            load.allow(20)
            assert load.wait_until_busy(answered=0) > 0
            raise AssertionError("a check of the test")
    assert not any(thread.is_alive() for thread in load._threads)
    assert raised == []
    assert load.results == {}


def test_waiting_clients_end_without_a_command(load: CommandLoad) -> None:
    with load:
        assert len(load._threads) == load.clients
    assert not any(thread.is_alive() for thread in load._threads)
