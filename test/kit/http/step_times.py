"""Measures how long each step of the event loop computes.

A step is what runs between two turns of the loop: while it runs, no other request is served. CPU
time of the thread is measured, which other processes of the machine do not change.
"""

import gc
import threading
import time
from asyncio.events import Handle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class StepTimes:
    """CPU seconds of the steps of one measurement."""

    seconds: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """The longest step in seconds."""
        return max(self.seconds, default=0.0)


@contextmanager
def measure_steps() -> Iterator[StepTimes]:
    """Measures all steps of loops of this thread; loops of other threads do not count."""
    times = StepTimes()
    run, thread = Handle._run, threading.get_ident()

    def measured_run(handle: Handle) -> None:
        if threading.get_ident() != thread:
            run(handle)
            return
        started = time.thread_time()
        run(handle)
        times.seconds.append(time.thread_time() - started)

    gc.freeze()  # As in a server process: what is there already is not searched.
    Handle._run = measured_run  # type: ignore[method-assign]
    try:
        yield times
    finally:
        Handle._run = run  # type: ignore[method-assign]
