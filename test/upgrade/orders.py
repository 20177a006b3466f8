"""Clients that send orders until each is answered, and who held the accounts meanwhile."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from itertools import count, pairwise
from typing import Any, Self

from installation import Installation, ProofFailed

from kit.databases.sql import fetch_rows
from kit.polling import wait_until

SYMBOL = "BTC/USDT:USDT"
CLIENTS = 4
PAUSE_SECONDS = 0.02
ANSWER_SECONDS_MAX = 60.0
SAMPLE_SECONDS = 0.02


class Clients:
    """Threads that send one command after the other, through each API in turn."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._stop = threading.Event()
        self._lock = threading.Lock()
        #: The order of each request id that was answered.
        self._answered: dict[str, int] = {}
        self._apis: Counter[str] = Counter()
        self.repeated = 0
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(CLIENTS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def wait_for(self, more: int) -> None:
        """Waits until that many more commands were answered."""
        wanted = len(self._answered) + more
        wait_until(
            lambda: self._errors or len(self._answered) >= wanted,
            ANSWER_SECONDS_MAX,
            "orders are answered",
        )
        if self._errors:
            raise ProofFailed(self._errors[0])

    def finish(self) -> None:
        """Lets each client end with an answer."""
        self._stop.set()
        for thread in self._threads:
            thread.join(ANSWER_SECONDS_MAX)
        if self._errors or any(thread.is_alive() for thread in self._threads):
            raise ProofFailed(self._errors[0] if self._errors else "a request has no answer")

    def by_api(self) -> Counter[str]:
        """Commands by the release of the API that answered them."""
        return self._apis

    def check(self) -> int:
        """Compares what was answered with the database; returns the number of commands."""
        rows = fetch_rows(
            self._installation.dsn,
            "SELECT c.request_id, c.status, COUNT(o.id), MIN(o.id), MIN(o.status) FROM oms_commands"
            " c LEFT JOIN oms_orders o ON o.command_id = c.id WHERE c.request_id LIKE 'proof-%'"
            " GROUP BY c.id, c.request_id, c.status",
        )
        stored = {row[0]: row[1:] for row in rows}
        lost = self._answered.keys() - stored.keys()
        doubled = len(rows) - len(stored)
        other = [
            (name, stored[name], order)
            for name, order in self._answered.items()
            if name in stored and stored[name] != ("done", 1, order, "FILLED")
        ]
        if lost or doubled or other or len(stored) != len(self._answered):
            raise ProofFailed(
                f"{len(lost)} lost, {doubled} doubled, {len(stored) - len(self._answered)} not"
                f" answered, others: {other[:3]}"
            )
        return len(stored)

    def _run(self, number: int) -> None:
        mine = self._installation.accounts[number::CLIENTS]
        for turn in count():
            if self._stop.is_set():
                return
            side = "buy" if turn // len(mine) % 2 == 0 else "sell"
            try:
                self._send(mine[turn % len(mine)], side, turn + number)
            except Exception as error:
                self._errors.append(f"{type(error).__name__}: {error}")
                raise
            time.sleep(PAUSE_SECONDS)

    def _send(self, account_id: int, side: str, turn: int) -> None:
        """Sends one order until it is done."""
        body = {
            "account_id": account_id,
            "request_id": f"proof-{uuid.uuid4()}",
            "command": "send_order",
            "payload": {"symbol": SYMBOL, "side": side, "order_type": "market", "qty": "0.01"},
        }
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        for attempt in count():
            names = self._installation.apis()
            name = names[(turn + attempt) % len(names)]
            result = self._post(name, body)
            if result is not None and result["status"] == "done":
                with self._lock:
                    self._answered[str(body["request_id"])] = int(result["order"]["id"])
                    self._apis[name] += 1
                    self.repeated += attempt
                return
            if result is not None and result["status"] not in ("queued", "running"):
                raise ProofFailed(f"{name} answered {result}")
            if time.monotonic() > deadline:
                raise ProofFailed(f"no answer to {body}: {result}")
            time.sleep(PAUSE_SECONDS)

    def _post(self, name: str, body: dict[str, Any]) -> Any:
        """The result of the command; ``None`` if there was no answer that is final."""
        request = urllib.request.Request(
            f"{self._installation.url(name)}/oms/commands?wait_ms=3000",
            data=json.dumps(body).encode(),
            headers={
                "content-type": "application/json",
                "x-api-key": self._installation.api_key,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.loads(response.read())["results"][0]
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise ProofFailed(f"{name} answered {error.code} {error.read()!r}") from None
            return None
        except OSError:
            return None


class Owners:
    """Samples which release holds each account, and counts the changes."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._stop = threading.Event()
        self._samples: list[list[str]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def moves(self) -> Counter[tuple[str, str]]:
        """How often an account went from a worker of one release to one of the other."""
        moves: Counter[tuple[str, str]] = Counter()
        for held in zip(*list(self._samples), strict=True):
            moves.update(
                pair for pair in pairwise(each for each in held if each) if pair[0] != pair[1]
            )
        return moves

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._samples.append(self._installation.owners())
