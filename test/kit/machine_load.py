"""How much slower the machine is than an idle one: limits of durations grow with it."""

import statistics
import subprocess
import sys
import time

#: An idle machine starts an interpreter in a third of this.
START_SECONDS = 0.05
STARTS = 3


def stretch(seconds: float) -> float:
    """Return the limit ``seconds`` of an idle machine for this one, as busy as it is now.

    It is multiplied by the number of times that the start of an interpreter, the median of three,
    takes longer than ``START_SECONDS``; at least by 1.
    """
    return seconds * max(1.0, start_seconds() / START_SECONDS)


def start_seconds() -> float:
    """Return how long the start of an interpreter takes."""
    taken = []
    for _ in range(STARTS):
        begun = time.monotonic()
        subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
        taken.append(time.monotonic() - begun)
    return statistics.median(taken)
