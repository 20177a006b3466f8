"""Clients that repeat each command with its request_id until it has a final result.

``CommandLoad`` sends a number of market orders over many accounts from several threads. The test
limits its progress (``allow``), so that faults can be injected in between; ``in_flight`` returns
the number of unanswered requests. With several addresses the clients start at different ones and
repeat unanswered requests at the next. The clients end with the ``with`` block of the load, also
when the test fails: afterwards no thread sends or raises.
"""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

ANSWER_SECONDS_MAX = 30.0
GIVE_UP_SECONDS = 120.0


class LoadEnded(Exception):
    """The load ended before the command had a final result; ends the client."""


@dataclass(slots=True)
class CommandLoad:
    """Clients that send ``total`` commands, alternating buys and sells.

    ``with CommandLoad(...) as load:`` starts the clients, which send nothing before ``allow``. When
    the block is left, they give up what is not answered.
    """

    base_url: str
    api_key: str
    account_ids: list[int]
    total: int
    clients: int = 8
    symbol: str = "BTC/USDT:USDT"
    #: Further addresses of the same gateway.
    more_urls: Sequence[str] = ()
    #: How long a client waits for an answer.
    answer_seconds: float = ANSWER_SECONDS_MAX
    #: Pause of a client between two steps.
    pause_seconds: float = 0.0
    #: Result by request_id, once it is final.
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: When each of them arrived (monotonic clock).
    answered_at: list[float] = field(default_factory=list)
    repeats: int = 0
    problems: list[str] = field(default_factory=list)
    #: Number of completed steps.
    completed: int = 0
    _issued: int = 0
    _allowed: int = 0
    #: Without it, clients that have sent all wait: a fault may still ``add`` commands.
    _finishing: bool = False
    #: The ``with`` block was left: clients give up.
    _ended: bool = False
    #: Unanswered request ids, each with the address that was used last.
    _pending: dict[str, str] = field(default_factory=dict)
    _condition: threading.Condition = field(default_factory=threading.Condition)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for first_address in range(self.clients):
            thread = threading.Thread(target=self._run_client, args=(first_address,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._condition:
            self._ended = True
            self._condition.notify_all()
        # A client notices after the answer to its last request, or when that has no answer in time.
        for thread in self._threads:
            thread.join()

    def allow(self, count: int) -> None:
        """Let the clients send up to ``count`` commands in total."""
        with self._condition:
            self._allowed = min(count, self.total)
            self._condition.notify_all()

    def add(self, count: int) -> None:
        """Let the clients send ``count`` more commands; raises ``total`` if necessary."""
        with self._condition:
            self._add(count)

    def in_flight(self, url: str | None = None) -> int:
        """Number of unanswered requests, at one address or at all."""
        with self._condition:
            return sum(url in (None, url_of_request) for url_of_request in self._pending.values())

    def answered(self) -> int:
        """Number of commands with a final result."""
        with self._condition:
            return len(self.results)

    def wait_until_busy(self, answered: int, seconds: float = GIVE_UP_SECONDS) -> int:
        """Waits for ``answered`` complete steps and requests in flight; returns their number.

        Allows further commands if all allowed ones were answered before this was called.
        """
        deadline = time.monotonic() + seconds
        with self._condition:
            while self.completed < answered or not self._pending:
                left_seconds = deadline - time.monotonic()
                assert left_seconds > 0, (
                    f"only {self.completed} of {answered} answered: {self.recent_problems()}"
                )
                if self.completed >= max(answered, self._allowed):
                    self._add(self.clients)
                self._condition.wait(min(left_seconds, 0.2))
            return len(self._pending)

    def issue_no_more(self) -> None:
        """Limit the load to the steps that were begun."""
        with self._condition:
            self.total = self._allowed = self._issued

    def finish(self, seconds: float = GIVE_UP_SECONDS) -> None:
        """Wait until all commands have a final result, and end the clients."""
        self.allow(self.total)
        with self._condition:
            self._finishing = True
            self._condition.notify_all()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        alive = sum(thread.is_alive() for thread in self._threads)
        assert not alive, f"{alive} clients are still waiting: {self.recent_problems()}"

    def recent_problems(self) -> str:
        """The last errors of the clients, for failure messages."""
        return "; ".join(self.problems[-5:]) or "no errors"

    def _add(self, count: int) -> None:
        self._allowed = max(self._allowed, self._issued + count)
        self.total = max(self.total, self._allowed)
        self._condition.notify_all()

    def _run_client(self, first_address: int) -> None:
        with closing(self._connect(first_address)) as connection, suppress(LoadEnded):
            while (number := self._next_number()) is not None:
                self._run_client_step(connection, number)
                with self._condition:
                    self.completed += 1
                    self._condition.notify_all()
                    if self.pause_seconds:
                        self._condition.wait_for(lambda: self._ended, self.pause_seconds)

    def _connect(self, first_address: int) -> "FailoverConnection":
        urls = (self.base_url, *self.more_urls)
        return FailoverConnection(urls, self.api_key, first_address, self.answer_seconds)

    def _run_client_step(self, connection: "FailoverConnection", number: int) -> None:
        """One step of a client: one market order."""
        self._send_until_final(connection, f"load-{number}", self._body(number, f"load-{number}"))

    def _next_number(self) -> int | None:
        with self._condition:
            while not self._ended and self._issued >= self._allowed:
                if self._finishing and self._issued >= self.total:
                    return None
                self._condition.wait(1)
            if self._ended:
                return None
            self._issued += 1
            return self._issued

    def _send_until_final(
        self, connection: "FailoverConnection", request_id: str, body: bytes
    ) -> dict[str, Any]:
        """Sends a command until it has a final result; records and returns that."""
        result = self._until_final(connection, request_id, body)
        with self._condition:
            self._pending.pop(request_id, None)
            self.results[request_id] = result
            self.answered_at.append(time.monotonic())
            self._condition.notify_all()
        return result

    def _until_final(
        self, connection: "FailoverConnection", request_id: str, body: bytes
    ) -> dict[str, Any]:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            with self._condition:
                if self._ended:
                    raise LoadEnded
                self._pending[request_id] = connection.url
            try:
                status, answer = connection.post("/oms/commands", body)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._note(f"{request_id}: {error!r}")
                continue
            results = answer.get("results") or (answer.get("detail") or {}).get("results") or []
            if results and results[0]["status"] not in ("queued", "running"):
                return dict(results[0])
            self._note(f"{request_id}: {status} {str(answer)[:200]}")
            connection.switch_address()
        raise AssertionError(f"{request_id} got no final result: {self.recent_problems()}")

    def _note(self, error: str) -> None:
        with self._condition:
            self.repeats += 1
            self.problems.append(error)
            self._condition.wait(0.05)

    def _body(self, number: int, request_id: str) -> bytes:
        side = "buy" if (number // len(self.account_ids)) % 2 == 0 else "sell"
        payload = {"symbol": self.symbol, "side": side, "order_type": "market", "qty": "0.01"}
        account_id = self.account_ids[number % len(self.account_ids)]
        return json.dumps(
            {
                "account_id": account_id,
                "request_id": request_id,
                "command": "send_order",
                "payload": payload,
            }
        ).encode()


class FailoverConnection:
    """A persistent HTTP connection to one of several addresses; a failure selects the next."""

    def __init__(
        self,
        urls: Sequence[str],
        api_key: str,
        first_address: int = 0,
        answer_seconds: float = ANSWER_SECONDS_MAX,
    ) -> None:
        self._urls = urls
        self._answer_seconds = answer_seconds
        self._address_index = first_address
        self._headers = {"x-api-key": api_key, "content-type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    @property
    def url(self) -> str:
        """The current address."""
        return self._urls[self._address_index % len(self._urls)]

    def connect_next(self) -> "FailoverConnection":
        """A separate connection to the next address."""
        key, following = self._headers["x-api-key"], self._address_index + 1
        return FailoverConnection(self._urls, key, following, self._answer_seconds)

    def switch_address(self) -> None:
        """Close, and use the next address from now on."""
        self.close()
        self._address_index += 1

    def post(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body of the response. Raises OSError, HTTPException or ValueError."""
        return self._request("POST", path, body)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body of the response. Raises OSError, HTTPException or ValueError."""
        return self._request("GET", path, None)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _request(self, method: str, path: str, body: bytes | None) -> tuple[int, dict[str, Any]]:
        if self._connection is None:
            parts = urlsplit(self.url)
            assert parts.hostname is not None and parts.port is not None
            self._connection = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=self._answer_seconds
            )
        try:
            self._connection.request(method, path, body, self._headers)
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.switch_address()
            raise
