"""Detects stalls of the API's event loop from outside, while other clients attack it.

A process of its own asks for ``/livez``, which needs the event loop only. A late response is a
stall if the API was computing meanwhile; otherwise the machine did not run it, or this process.
"""

import http.client
import json
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STALL_SECONDS = 0.050
PAUSE_SECONDS = 0.005
ROOT = Path(__file__).parents[2]


class StallMonitor:
    """Asks every ``PAUSE_SECONDS`` until stopped."""

    def __init__(self, port: int, pid: int) -> None:
        arguments = [sys.executable, "-m", "kit.attack.stall_monitor", str(port), str(pid)]
        self._process = subprocess.Popen(
            arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._summary: dict[str, int] | None = None

    def stop(self) -> Mapping[str, int]:
        """Stop asking; returns counts and the longest stall, for the report."""
        if self._summary is None:
            text, _ = self._process.communicate("", timeout=60)
            self._summary = json.loads(text)
        assert self._summary is not None
        return self._summary


def main(port: int, pid: int) -> None:
    """Ask until the standard input ends, then print the counts."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    stalls: list[float] = []
    asked = late = lost = 0
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        computed, started = _cpu_seconds(pid), time.perf_counter()
        try:
            connection.request("GET", "/livez")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            lost += 1
            connection.close()
            continue
        seconds = time.perf_counter() - started
        asked += 1
        if seconds > STALL_SECONDS and _cpu_seconds(pid) - computed > STALL_SECONDS:
            stalls.append(seconds)
        elif seconds > STALL_SECONDS:
            late += 1
    connection.close()
    summary: dict[str, Any] = {
        "probes of the event loop": asked,
        "stalls of the event loop over 50 ms": len(stalls),
        "longest stall in ms": round(1000 * max(stalls, default=0)),
        "late responses without load of the process": late,
        "probes without a response": lost,
    }
    print(json.dumps(summary))


def _cpu_seconds(pid: int) -> float:
    """Seconds for which the main thread of the process was on a CPU; 0 if it has ended."""
    path = Path(f"/proc/{pid}/task/{pid}/schedstat")
    try:
        return int(path.read_text(encoding="ascii").split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
