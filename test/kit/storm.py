"""Honest clients under bad weather: each command is repeated under its request_id until answered.

``Storm`` sends a fixed number of market orders over many accounts from several threads. Its pace
is set from outside (``allow``), so that whoever kills processes can do it in the middle, and its
``in_flight`` tells how many requests were sent and not yet answered at that moment.
"""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

ANSWER_SECONDS_MAX = 30.0
GIVE_UP_SECONDS = 120.0


@dataclass(slots=True)
class Storm:
    """Clients that send ``total`` commands, alternately buying and selling."""

    base_url: str
    api_key: str
    account_ids: list[int]
    total: int
    clients: int = 8
    symbol: str = "BTC/USDT:USDT"
    #: Result by request_id, once it is final.
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: int = 0
    problems: list[str] = field(default_factory=list)
    _issued: int = 0
    _allowed: int = 0
    _pending: set[str] = field(default_factory=set)
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin; nothing is sent before ``allow``."""
        for _ in range(self.clients):
            thread = threading.Thread(target=self._client, daemon=True)
            self._threads.append(thread)
            thread.start()

    def allow(self, count: int) -> None:
        """Let the clients send up to ``count`` commands in all."""
        with self._turn:
            self._allowed = min(count, self.total)
            self._turn.notify_all()

    def in_flight(self) -> int:
        """Requests sent and not answered now."""
        with self._turn:
            return len(self._pending)

    def answered(self) -> int:
        """Commands with a final answer."""
        with self._turn:
            return len(self.results)

    def wait_until_busy(self, answered: int, seconds: float = GIVE_UP_SECONDS) -> int:
        """Wait for that many answers with requests still in flight; how many those are."""
        deadline = time.monotonic() + seconds
        with self._turn:
            while len(self.results) < answered or not self._pending:
                left = deadline - time.monotonic()
                assert left > 0, f"only {len(self.results)} of {answered} answered: {self.tail()}"
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

    def _client(self) -> None:
        link = _Link(self.base_url, self.api_key)
        while (number := self._next()) is not None:
            request_id = f"storm-{number}"
            result = self._until_final(link, number, request_id)
            with self._turn:
                self._pending.discard(request_id)
                self.results[request_id] = result
                self._turn.notify_all()
        link.close()

    def _next(self) -> int | None:
        with self._turn:
            while self._issued >= self._allowed:
                if self._issued >= self.total:
                    return None
                self._turn.wait(1)
            self._issued += 1
            self._pending.add(f"storm-{self._issued}")
            return self._issued

    def _until_final(self, link: "_Link", number: int, request_id: str) -> dict[str, Any]:
        body = self._body(number, request_id)
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            try:
                status, answer = link.post("/oms/commands", body)
            except (OSError, http.client.HTTPException, ValueError) as problem:
                self._note(f"{request_id}: {problem!r}")
                continue
            results = answer.get("results") or (answer.get("detail") or {}).get("results") or []
            if results and results[0]["status"] not in ("queued", "running"):
                return dict(results[0])
            self._note(f"{request_id}: {status} {str(answer)[:200]}")
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


class _Link:
    """One kept-alive connection that dials again after any failure."""

    def __init__(self, base_url: str, api_key: str) -> None:
        parts = urlsplit(base_url)
        assert parts.hostname is not None and parts.port is not None
        self._address = (parts.hostname, parts.port)
        self._headers = {"x-api-key": api_key, "content-type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                *self._address, timeout=ANSWER_SECONDS_MAX
            )
        try:
            self._connection.request("POST", path, body, self._headers)
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
