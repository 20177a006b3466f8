"""Processes and HTTP requests of the bench, with errors that contain the end of the log."""

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


class BenchError(Exception):
    """The bench cannot continue; the message is printed."""


class Process:
    """A long-running child process with its log in a file."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, name: str
    ) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._folder = folder
        self._log = folder / f"{name}.log"
        self.name = name
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise BenchError(f"{self.name} is not running")
        return self._child.pid

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                self._command, env=self._environment, cwd=self._folder, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """Kills it (SIGKILL) and reaps it."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def stop(self) -> None:
        """Terminates it, after ten seconds by SIGKILL."""
        if self._child is None:
            return
        self._child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(10)
        self.kill()

    def require_alive(self) -> None:
        """Raises BenchError with the end of the log if the process has died."""
        if self._child is None or self._child.poll() is not None:
            raise BenchError(f"{self.name} has died; the end of its log:\n{self.log_tail()}")

    def log_tail(self) -> str:
        if not self._log.exists():
            return ""
        return self._log.read_text(errors="replace")[-2_000:]


def run_json(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    """Runs a command; returns the JSON object that it printed ({} if none)."""
    result = subprocess.run(
        command, env=dict(environment), cwd=folder, capture_output=True, text=True, timeout=120
    )
    if result.returncode != 0:
        output = (result.stdout + result.stderr)[-2_000:]
        raise BenchError(f"{' '.join(command)} ended with {result.returncode}:\n{output}")
    start = result.stdout.find("{")
    if start < 0:
        return {}
    printed: dict[str, Any]
    printed, _ = json.JSONDecoder().raw_decode(result.stdout, start)
    return printed


def await_condition(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Polls until the condition is true. Raises BenchError after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def http(
    method: str, url: str, *, api_key: str = "", body: Any = None, timeout: float = 15
) -> tuple[int, str]:
    """Sends a request; returns (status, text), or (0, reason) without a response."""
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json", "x-api-key": api_key},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)
