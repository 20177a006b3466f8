"""The loopback exchange as a process of its own on free ports, and its control port.

ccxt is never imitated in tests: the real one trades against this process.
"""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

TOOL = Path(__file__).resolve().parents[3] / "tools" / "loopback"
SECONDS_MAX = 20

Json = dict[str, Any]


@dataclass(frozen=True)
class LoopbackExchange:
    """A running one: its first line, and what a test may do to it."""

    startup: Mapping[str, Any]
    output: IO[str]

    @property
    def port(self) -> int:
        """Where Bybit answers."""
        return int(self.startup["ports"]["bybit"])

    def next_line(self) -> Json:
        """The next line of the output, which is JSON."""
        line: Json = json.loads(self.output.readline())
        return line

    def control(self, op: str, **told: Any) -> Json:
        """One operation of the control port; fails with its words if it was refused."""
        port = self.startup["ports"]["control"]
        body = json.dumps({"op": op} | told).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/__ctl", data=body)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                done: Json = json.load(answer)
        except urllib.error.HTTPError as refused:
            raise AssertionError(refused.read().decode()) from None
        return done

    def books(self, account: str = "a") -> Json:
        """An account as the venue knows it."""
        books: Json = self.control("books")["accounts"][account]
        return books

    def paths(self, match: str = "") -> list[str]:
        """Method and path of the requests so far, oldest first, without their queries."""
        rows = self.control("log", match=match)["log"]
        return [f"{row['method']} {row['path'].partition('?')[0]}" for row in rows]

    def config(self, key: str = "loop-a", venue: str = "bybit") -> Json:
        """What a ``ccxt.bybit`` (or ``binance``) of this key is constructed with."""
        credentials = {"apiKey": key, "secret": self.startup["keys"][key], "enableRateLimit": False}
        return credentials | dict(self.startup["extra_config"][venue])


@contextmanager
def run_loopback(*options: str) -> Iterator[LoopbackExchange]:
    """Start one on free ports; it is ended, and has to end by itself, when the test is over."""
    ports = [f"--{name}-port=0" for name in ("bybit", "binance", "tls", "control")]
    command = [sys.executable, str(TOOL), *ports, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first, "the loopback exchange did not start"
            yield LoopbackExchange(json.loads(first), process.stdout)
        finally:
            process.terminate()
            assert process.wait(SECONDS_MAX) == 0
