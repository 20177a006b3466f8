"""Loaded by the processes of a gateway under attack: finds what holds the API's event loop.

A timer of the loop notes the processor time that its thread used since the timer ran last: what
else the machine does, and waiting for it, does not count. Long times are appended to a file, which
is there from the start: a file without a line says that the loop is measured and did not stall.
"""

import asyncio
import os
import sys
import time
from typing import Any

BEAT_SECONDS = 0.005
STALL_SECONDS = 0.050


def _start_beats(loop: asyncio.AbstractEventLoop, path: str) -> None:
    with open(path, "a", encoding="ascii"):
        pass
    last = time.thread_time()

    def beat() -> None:
        nonlocal last
        computed, last = time.thread_time() - last, time.thread_time()
        if computed > STALL_SECONDS:
            with open(path, "a", encoding="ascii") as file:
                file.write(f"{time.time():.6f} {computed:.6f}\n")
        loop.call_later(BEAT_SECONDS, beat)

    loop.call_soon(beat)


def _measure_runners(path: str) -> None:
    run = asyncio.Runner.run

    def measured_run(runner: asyncio.Runner, *arguments: Any, **options: Any) -> Any:
        if sys.argv[1:2] == ["api"]:
            _start_beats(runner.get_loop(), path)
        return run(runner, *arguments, **options)

    asyncio.Runner.run = measured_run  # type: ignore[method-assign]


if "OMS_TEST_LOOP_BEATS" in os.environ:
    _measure_runners(os.environ["OMS_TEST_LOOP_BEATS"])
