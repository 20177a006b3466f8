"""How long a process waits for the processor after a sleep, beside one that never sleeps.

    .venv/bin/python test/bench/run.py loop_delays [--rounds 3] [--seconds 4]

Both use one processor. Linux gives it to sessions before it looks at priorities (autogroup), so
the other process is once in a session of its own and once in the same, with normal priority,
with ``nice`` 19, 10 and 5 and with ``SCHED_IDLE``. As root the sessions get the highest weight, so
that other programs of the machine do not disturb; without, the machine must be idle.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.latency import percentile

SLEEP_SECONDS, WORK_SECONDS = 0.003, 0.0005
#: Between two changes of weights: Linux refuses more than ten in a second.
WEIGHT_SECONDS = 0.2
LOOP = "while True: pass"
#: Name, and session, ``nice`` value and scheduling class of the process that loops.
CASES: tuple[tuple[str, bool, int, int], ...] = (
    ("own session, normal", True, 0, os.SCHED_OTHER),
    ("own session, SCHED_IDLE", True, 0, os.SCHED_IDLE),
    ("same session, normal", False, 0, os.SCHED_OTHER),
    ("same session, nice 19", False, 19, os.SCHED_OTHER),
    ("same session, nice 10", False, 10, os.SCHED_OTHER),
    ("same session, nice 5", False, 5, os.SCHED_OTHER),
    ("same session, SCHED_IDLE", False, 0, os.SCHED_IDLE),
)


def main(arguments: Sequence[str]) -> int:
    """Print the delays of each case; returns the exit status."""
    parser = argparse.ArgumentParser(prog="run.py loop_delays", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args(arguments)
    found: dict[str, list[list[float]]] = {name: [] for name, *_ in CASES}
    for _ in range(options.rounds):
        for number, (name, *_) in enumerate(CASES):
            # A process of its own leads the session.
            measured = subprocess.run(
                [sys.executable, __file__, str(number), str(options.seconds)],
                check=True,
                capture_output=True,
                text=True,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )
            found[name].append([float(each) for each in measured.stdout.split()])
    print("| the process that loops | p50 | p99 |\n|---|---|---|")
    for name, rounds in found.items():
        p50, p99 = (
            statistics.median(percentile(values, share) for values in rounds)
            for share in (0.5, 0.99)
        )
        print(f"| {name} | {p50:.2f} ms | {p99:.2f} ms |")
    return 0


def _measure(number: int, seconds: float) -> list[float]:
    """Return the milliseconds of each delay."""
    _, has_session, nice, policy = CASES[number]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with subprocess.Popen([sys.executable, "-c", LOOP], start_new_session=has_session) as loop:
        try:
            os.setpriority(os.PRIO_PROCESS, loop.pid, nice)
            os.sched_setscheduler(loop.pid, policy, os.sched_param(0))
            for pid in {os.getpid(), loop.pid if has_session else os.getpid()}:
                time.sleep(WEIGHT_SECONDS)
                with suppress(OSError):
                    Path(f"/proc/{pid}/autogroup").write_text("-20", encoding="ascii")
            return _delays(seconds)
        finally:
            loop.kill()


def _delays(seconds: float) -> list[float]:
    found = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        time.sleep(SLEEP_SECONDS)
        found.append((time.perf_counter() - began - SLEEP_SECONDS) * 1000)
        worked = time.perf_counter()
        while time.perf_counter() - worked < WORK_SECONDS:
            pass
    return found


if __name__ == "__main__":
    print(*_measure(int(sys.argv[1]), float(sys.argv[2])))
