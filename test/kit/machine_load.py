"""How much slower the machine is than an idle one: limits of durations grow with it."""

import statistics
import subprocess
import sys
import threading
import time
from typing import Self

#: An idle machine starts an interpreter in this or less.
IDLE_START_SECONDS = 0.02
STARTS = 3
PAUSE_SECONDS = 0.2


class LoadMeter:
    """A context that measures how busy the machine is while what it surrounds runs.

    An interpreter is started again and again, in a thread, at least ``STARTS`` times.
    """

    def __init__(self) -> None:
        self._seconds: list[float] = []
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended.set()
        self._thread.join()

    def stretch(self, seconds: float) -> float:
        """Return the limit ``seconds`` of an idle machine for this one, as busy as it was.

        It is multiplied by the number of times that one start in ten takes longer than
        ``IDLE_START_SECONDS``; at least by 1.
        """
        slow = statistics.quantiles(self._seconds, n=10, method="inclusive")[-1]
        return seconds * max(1.0, slow / IDLE_START_SECONDS)

    def _measure(self) -> None:
        while len(self._seconds) < STARTS or not self._has_ended.wait(PAUSE_SECONDS):
            self._seconds.append(start_seconds())


def stretch(seconds: float) -> float:
    """Return the limit ``seconds`` of an idle machine for this one, as busy as it is now.

    What lasts longer than a moment is measured by ``LoadMeter``.
    """
    with LoadMeter() as load:
        pass
    return load.stretch(seconds)


def start_seconds() -> float:
    """Return how long the start of an interpreter takes."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
    return time.monotonic() - begun
