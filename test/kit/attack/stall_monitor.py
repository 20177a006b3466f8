"""Detects stalls of the API's event loop while clients attack it.

A stall is processor time of the loop's thread between two beats of a timer, measured inside of the
process by ``loop_beats``: other programs of the machine do not change it. A process of its own asks
for ``/livez`` meanwhile; a late response without a stall is the machine's.
"""

import http.client
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

LATE_SECONDS = 0.050
PAUSE_SECONDS = 0.005
ROOT = Path(__file__).parents[2]


class StallMonitor:
    """Asks every ``PAUSE_SECONDS`` until stopped."""

    def __init__(self, port: int, beats: Path) -> None:
        self._beats = beats
        self._started_at = time.time()
        arguments = [sys.executable, "-m", "kit.attack.stall_monitor", str(port)]
        self._process = subprocess.Popen(
            arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._summary: dict[str, int] | None = None

    def stop(self) -> Mapping[str, int]:
        """Stop asking; returns counts and the longest stall, for the report."""
        if self._summary is None:
            text, _ = self._process.communicate("", timeout=60)
            stalls = self._stalls()
            self._summary = json.loads(text) | {
                "stalls of the event loop over 50 ms": len(stalls),
                "longest stall in ms": round(1000 * max(stalls, default=0)),
            }
        assert self._summary is not None
        return self._summary

    def _stalls(self) -> list[float]:
        """Seconds of the stalls since the start."""
        assert self._beats.exists(), "the API's loop is not measured"
        lines = self._beats.read_text(encoding="ascii").splitlines()
        rows = [tuple(map(float, line.split())) for line in lines]
        return [seconds for at, seconds in rows if at - seconds > self._started_at]


def beats_environment(path: Path) -> dict[str, str]:
    """Variables for the processes of a gateway whose loop is measured."""
    folders = [str(Path(__file__).parent / "loop_beats"), os.environ.get("PYTHONPATH", "")]
    return {
        "OMS_TEST_LOOP_BEATS": str(path),
        "PYTHONPATH": os.pathsep.join(folder for folder in folders if folder),
    }


def main(port: int) -> None:
    """Ask until the standard input ends, then print the counts."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    asked = late = lost = 0
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        started = time.perf_counter()
        try:
            connection.request("GET", "/livez")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            lost += 1
            connection.close()
            continue
        asked += 1
        late += time.perf_counter() - started > LATE_SECONDS
    connection.close()
    summary = {
        "probes of the event loop": asked,
        "responses later than 50 ms": late,
        "probes without a response": lost,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main(int(sys.argv[1]))
