"""Runners as processes: one that is paused or killed is succeeded, and no message is lost."""

import os
import signal
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kit.databases.sql import fetch_rows
from kit.gateway.processes import Gateway
from kit.http.client import call, post_order
from kit.http.threaded_server import serve_in_thread
from kit.polling import wait_until

ENVIRONMENT = {"OMS_NOTIFY_ALLOW_PRIVATE": "true", "OMS_LEASE_SECONDS": "3"}


class _Receiver(BaseHTTPRequestHandler):
    """Answers each message, and keeps the id of its event."""

    received: list[int]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(int(self.headers["X-OMS-Delivery"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[int]]]:
    """Address of a receiver, and what arrived."""
    received: list[int] = []
    kind = type("Receiver", (_Receiver,), {"received": received})
    with serve_in_thread(ThreadingHTTPServer(("127.0.0.1", 0), kind)) as url:
        yield f"{url}/", received


def test_a_runner_that_is_paused_or_killed_is_succeeded(
    gateway_on: Callable[..., Gateway], receiver: tuple[str, list[int]]
) -> None:
    url, received = receiver
    gateway = gateway_on("sqlite", workers=1, environment=ENVIRONMENT)
    sink = {"name": "ops", "kind": "webhook", "url": url, "events": ["deal_created"]}
    status, body, _ = call(gateway, "POST", "/notifications/sinks", sink, key=gateway.admin_api_key)
    assert status == 200, body
    pids = {name: gateway.start_runner(name) for name in ("one", "two")}

    def holder() -> str:
        rows = fetch_rows(gateway.dsn, "SELECT owner FROM task_leases WHERE task = 'notifications'")
        return str(rows[0][0]) if rows else ""

    def delivered() -> int:
        return int(fetch_rows(gateway.dsn, "SELECT delivered FROM notification_sinks")[0][0])

    def trade(count: int) -> None:
        """Send an order; its message is recorded, so a kill afterwards repeats nothing."""
        post_order(gateway, gateway.account_id)
        wait_until(lambda: delivered() == count, 20, f"message {count} arrives")

    paused = wait_until(holder, 20, "a runner holds the task")
    trade(1)
    os.kill(pids[paused], signal.SIGSTOP)
    trade(2)
    killed = holder()
    assert killed != paused
    os.kill(pids[paused], signal.SIGCONT)
    trade(3)
    os.kill(pids[killed], signal.SIGKILL)
    trade(4)
    assert holder() == paused
    assert len(received) == len(set(received)) == 4
    assert fetch_rows(gateway.dsn, "SELECT failed FROM notification_sinks") == [(0,)]
