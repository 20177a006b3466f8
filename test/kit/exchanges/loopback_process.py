"""The loopback exchange as a process on free ports, and a client of its control port.

Tests never imitate ccxt: the real library trades against this process.
"""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

TOOL = Path(__file__).resolve().parents[3] / "tools" / "loopback"
SECONDS_MAX = 20

Json = dict[str, Any]


@dataclass(frozen=True)
class LoopbackExchange:
    """A running loopback exchange; ``startup`` is its first line of output."""

    startup: Mapping[str, Any]
    output: IO[str]
    #: Secrets of keys that were added later.
    added: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The port of the Bybit API."""
        return int(self.startup["ports"]["bybit"])

    def next_line(self) -> Json:
        """The next line of the output, parsed as JSON."""
        line: Json = json.loads(self.output.readline())
        return line

    def control(self, op: str, **parameters: Any) -> Json:
        """Runs one operation of the control port; raises AssertionError with its error text."""
        port = self.startup["ports"]["control"]
        body = json.dumps({"op": op} | parameters).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/__ctl", data=body)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                done: Json = json.load(answer)
        except urllib.error.HTTPError as refused:
            raise AssertionError(refused.read().decode()) from None
        return done

    def add_account(self, name: str, balances: Mapping[str, str]) -> str:
        """Adds an account with a key of its own, and deposits; returns the key, its name."""
        secret = self.added[name] = f"secret-of-{name}"
        self.control("account", key=name, secret=secret, balances=balances, passphrase="added")
        return name

    def secret(self, key: str) -> str:
        """The secret of a key."""
        return str(self.added.get(key) or self.startup["keys"][key])

    def passphrase(self, key: str) -> str:
        """The passphrase of a key."""
        return str(self.startup["passphrases"].get(key, "added"))

    def books(self, account: str = "a") -> Json:
        """The books of an account at the exchange."""
        books: Json = self.control("books")["accounts"][account]
        return books

    def paths(self, match: str = "") -> list[str]:
        """Method and path of the requests so far, oldest first, without query strings."""
        rows = self.control("log", match=match)["log"]
        return [f"{row['method']} {row['path'].partition('?')[0]}" for row in rows]

    def config(self, key: str = "loop-a", venue: str = "bybit") -> Json:
        """The ccxt constructor arguments for this key and venue."""
        credentials = {
            "apiKey": key,
            "secret": self.secret(key),
            "password": self.passphrase(key),
        }
        extra_config: Json = self.startup["extra_config"][venue]
        return {"enableRateLimit": False} | credentials | extra_config


@contextmanager
def run_loopback(*options: str) -> Iterator[LoopbackExchange]:
    """Starts a loopback exchange on free ports; SIGTERM at exit, and its exit status must be 0."""
    ports = [f"--{name}-port=0" for name in ("bybit", "binance", "okx", "tls", "control")]
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
