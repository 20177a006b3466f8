"""Detects stalls of the API's event loop from outside, while other clients attack it.

A connection of its own asks for ``/livez``, which needs the event loop only. A late response is a
stall if the process was computing meanwhile; otherwise the machine did not run it, or this client.
"""

import http.client
import threading
import time
from collections.abc import Mapping
from pathlib import Path

STALL_SECONDS = 0.050
PAUSE_SECONDS = 0.005


class StallMonitor:
    """Asks every ``PAUSE_SECONDS`` until stopped."""

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stall-monitor", daemon=True)
        self.asked = 0
        self.stalls: list[float] = []
        self.late = 0

    def start(self) -> None:
        """Start asking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop asking; returns when the last response has come."""
        self._stop.set()
        self._thread.join(30)

    def summary(self) -> Mapping[str, int]:
        """Counts and the longest stall, for the report."""
        return {
            "probes of the event loop": self.asked,
            "stalls of the event loop over 50 ms": len(self.stalls),
            "longest stall in ms": round(1000 * max(self.stalls, default=0)),
            "late responses without load of the process": self.late,
        }

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._stop.wait(PAUSE_SECONDS):
            computed, started = self._cpu_seconds(), time.perf_counter()
            connection.request("GET", "/livez")
            connection.getresponse().read()
            seconds = time.perf_counter() - started
            self.asked += 1
            if seconds <= STALL_SECONDS:
                continue
            if self._cpu_seconds() - computed > STALL_SECONDS:
                self.stalls.append(seconds)
            else:
                self.late += 1
        connection.close()

    def _cpu_seconds(self) -> float:
        """Seconds for which the main thread of the process has been on a CPU."""
        path = Path(f"/proc/{self._pid}/task/{self._pid}/schedstat")
        return int(path.read_text(encoding="ascii").split()[0]) / 1e9
