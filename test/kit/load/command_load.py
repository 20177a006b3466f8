"""Honest clients under bad weather: each command is repeated under its request_id until answered.

``Storm`` sends a fixed number of market orders over many accounts from several threads. Its pace
is set from outside (``allow``), so that whoever kills processes can do it in the middle, and its
``in_flight`` tells how many requests were sent and not yet answered at that moment. With several
addresses the clients begin at different ones, and what one does not answer is repeated at the next.
"""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

ANSWER_SECONDS_MAX = 30.0
GIVE_UP_SECONDS = 120.0


@dataclass(slots=True)
class CommandLoad:
    """Clients that send ``total`` commands, alternately buying and selling."""

    base_url: str
    api_key: str
    account_ids: list[int]
    total: int
    clients: int = 8
    symbol: str = "BTC/USDT:USDT"
    #: Further addresses of the same gateway.
    more_urls: Sequence[str] = ()
    #: Result by request_id, once it is final.
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: int = 0
    problems: list[str] = field(default_factory=list)
    #: Numbers that are played to their end.
    played: int = 0
    _issued: int = 0
    _allowed: int = 0
    #: Request ids that are not answered, each with the address that was asked last.
    _pending: dict[str, str] = field(default_factory=dict)
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin; nothing is sent before ``allow``."""
        for first in range(self.clients):
            thread = threading.Thread(target=self._client, args=(first,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def allow(self, count: int) -> None:
        """Let the clients send up to ``count`` commands in all."""
        with self._turn:
            self._allowed = min(count, self.total)
            self._turn.notify_all()

    def add(self, count: int) -> None:
        """Let the clients send ``count`` more, beyond ``total`` if need be."""
        with self._turn:
            self._allowed = max(self._allowed, self._issued + count)
            self.total = max(self.total, self._allowed)
            self._turn.notify_all()

    def in_flight(self, url: str | None = None) -> int:
        """Requests sent and not answered now, at one address or at all."""
        with self._turn:
            return sum(url in (None, asked) for asked in self._pending.values())

    def answered(self) -> int:
        """Commands with a final answer."""
        with self._turn:
            return len(self.results)

    def wait_until_busy(self, answered: int, seconds: float = GIVE_UP_SECONDS) -> int:
        """Wait for that many numbers with requests still in flight; how many those are."""
        deadline = time.monotonic() + seconds
        with self._turn:
            while self.played < answered or not self._pending:
                left = deadline - time.monotonic()
                assert left > 0, f"only {self.played} of {answered} answered: {self.tail()}"
                self._turn.wait(min(left, 0.2))
            return len(self._pending)

    def finish(self, seconds: float = GIVE_UP_SECONDS) -> None:
        """Wait for all answers."""
        self.allow(self.total)
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        alive = sum(thread.is_alive() for thread in self._threads)
        assert not alive, f"{alive} clients still wait: {self.tail()}"

    def tail(self) -> str:
        """The last problems the clients met, for a failure's message."""
        return "; ".join(self.problems[-5:]) or "no problem noted"

    def _client(self, first: int) -> None:
        link = self._link(first)
        while (number := self._next()) is not None:
            self._play(link, number)
            with self._turn:
                self.played += 1
                self._turn.notify_all()
        link.close()

    def _link(self, first: int) -> "FailoverConnection":
        return FailoverConnection((self.base_url, *self.more_urls), self.api_key, first)

    def _play(self, link: "FailoverConnection", number: int) -> None:
        """What a client does under one number: here, one market order."""
        self._told(link, f"storm-{number}", self._body(number, f"storm-{number}"))

    def _next(self) -> int | None:
        with self._turn:
            while self._issued >= self._allowed:
                if self._issued >= self.total:
                    return None
                self._turn.wait(1)
            self._issued += 1
            return self._issued

    def _told(self, link: "FailoverConnection", request_id: str, body: bytes) -> dict[str, Any]:
        """The final result of one command, which is kept."""
        result = self._until_final(link, request_id, body)
        with self._turn:
            self._pending.pop(request_id, None)
            self.results[request_id] = result
            self._turn.notify_all()
        return result

    def _until_final(
        self, link: "FailoverConnection", request_id: str, body: bytes
    ) -> dict[str, Any]:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            with self._turn:
                self._pending[request_id] = link.url
            try:
                status, answer = link.post("/oms/commands", body)
            except (OSError, http.client.HTTPException, ValueError) as problem:
                self._note(f"{request_id}: {problem!r}")
                continue
            results = answer.get("results") or (answer.get("detail") or {}).get("results") or []
            if results and results[0]["status"] not in ("queued", "running"):
                return dict(results[0])
            self._note(f"{request_id}: {status} {str(answer)[:200]}")
            link.turn()
        raise AssertionError(f"{request_id} was never answered: {self.tail()}")

    def _note(self, problem: str) -> None:
        with self._turn:
            self.repeats += 1
            self.problems.append(problem)
            self._turn.wait(0.05)

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
    """A kept-alive connection to one of several addresses; after any failure it dials the next."""

    def __init__(self, urls: Sequence[str], api_key: str, first: int = 0) -> None:
        self._urls = urls
        self._at = first
        self._headers = {"x-api-key": api_key, "content-type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    @property
    def url(self) -> str:
        """The address that is asked next."""
        return self._urls[self._at % len(self._urls)]

    def other(self) -> "FailoverConnection":
        """A link of its own to the next address."""
        return FailoverConnection(self._urls, self._headers["x-api-key"], self._at + 1)

    def turn(self) -> None:
        """Ask the next address from now on."""
        self.close()
        self._at += 1

    def post(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer. Raises what breaks the connection."""
        return self._asked("POST", path, body)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer. Raises what breaks the connection."""
        return self._asked("GET", path, None)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asked(self, method: str, path: str, body: bytes | None) -> tuple[int, dict[str, Any]]:
        if self._connection is None:
            parts = urlsplit(self.url)
            assert parts.hostname is not None and parts.port is not None
            self._connection = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=ANSWER_SECONDS_MAX
            )
        try:
            self._connection.request(method, path, body, self._headers)
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.turn()
            raise
