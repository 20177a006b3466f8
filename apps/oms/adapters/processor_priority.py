"""Lowers the priority of a child process that uses much processor time in one call.

Linux executes a process of ``SCHED_IDLE`` when no other of its session or container wants the
processor. The way back needs a privilege or ``RLIMIT_NICE``; without either the process keeps the
lower priority after the call.
"""

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.1
"""Time between two checks of the processor time of a call that has not returned."""
#: Added to the inverted id of a process this names the clock of its processor time.
_PROCESS_CLOCK = 2


class ProcessorPriority:
    """The priority of one process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._clock = (~pid << 3) | _PROCESS_CLOCK
        self._is_low = False
        #: What was logged: each event once for a process.
        self._logged: set[str] = set()

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Lower the priority, inside, once the process has used so much processor time."""
        call = _Call(self, self._used() + seconds)
        call.check_after(max(seconds, CHECK_SECONDS))
        try:
            yield
        finally:
            call.end()
            if self._is_low:
                self._restore()

    def lower_beyond(self, used: float) -> bool:
        """Lower the priority if the process has used more; returns whether it has."""
        if self._used() < used:
            return False
        with suppress(OSError):  # it has ended
            self._set(os.SCHED_IDLE)
            self._is_low = True
            if self._is_new("lowered"):
                logger.info("child_priority_lowered pid=%d", self._pid)
        return True

    def _used(self) -> float:
        """Return the processor time of the process in seconds; of one that has ended: 0."""
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return 0.0

    def _restore(self) -> None:
        self._is_low = False
        try:
            self._set(os.SCHED_OTHER)
        except PermissionError:
            if self._is_new("stays_low"):
                logger.warning("child_priority_stays_low pid=%d", self._pid)
        except OSError:
            pass  # it has ended

    def _set(self, policy: int) -> None:
        """Set the policy of all threads; those that are started later inherit it."""
        for thread in Path(f"/proc/{self._pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setscheduler(int(thread.name), policy, os.sched_param(0))

    def _is_new(self, event: str) -> bool:
        is_new = event not in self._logged
        self._logged.add(event)
        return is_new


class _Call:
    """Checks the processor time of a call until it is exceeded or the call returns."""

    def __init__(self, priority: ProcessorPriority, used_max: float) -> None:
        self._priority = priority
        self._used_max = used_max
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def check_after(self, seconds: float) -> None:
        """Check after so many seconds, and then every ``CHECK_SECONDS``."""
        self._timer = self._loop.call_later(seconds, self._check)

    def end(self) -> None:
        """Stop the checks."""
        assert self._timer is not None, "it was set at the start"
        self._timer.cancel()

    def _check(self) -> None:
        if not self._priority.lower_beyond(self._used_max):
            self.check_after(CHECK_SECONDS)
