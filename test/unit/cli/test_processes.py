"""Settings of the processes."""

import gc
import time

from oms.cli.processes import GC_THRESHOLDS

SECONDS_MAX = 0.05
ATTEMPTS = 4


def test_one_garbage_collection_does_not_hold_the_event_loop() -> None:
    """Closed connections are cycles of objects: all of one collection are freed in one step."""
    longest = float("inf")
    gc.disable()
    try:
        for _ in range(ATTEMPTS):
            gc.collect(0)
            for number in range(GC_THRESHOLDS[0] // 2):
                cycle: dict[str, object] = {"number": number, "text": f"{number}"}
                cycle["self"] = [cycle]
            started = time.thread_time()
            gc.collect(0)
            longest = min(longest, time.thread_time() - started)
    finally:
        gc.enable()
    assert longest < SECONDS_MAX
