"""Limits of the process that runs the code of users: its environment, memory and time."""

import faulthandler
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TextIO

#: What a process is given of the environment: no setting of the gateway, no credential.
PASSED_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "VIRTUAL_ENV")
#: One thread for each process, and equal results in each of them.
SET_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}
#: Time between two looks at whether the parent lives.
PARENT_SECONDS = 0.5


class DecisionTimeout(BaseException):
    """A decision took too long; no ``Exception``, so that code of users does not catch it."""


_CLOCK_SIGNALS = frozenset((signal.SIGALRM, signal.SIGVTALRM))


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process of strategies."""
    passed = {name: environment[name] for name in PASSED_VARIABLES if name in environment}
    return passed | SET_VARIABLES


def limit_memory(megabytes: int) -> None:
    """Limit the address space of this process: a larger allocation raises ``MemoryError``."""
    size = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with_parent() -> None:
    """End this process when the one that started it ends, also within a calculation."""
    # The thread inherits the mask: signals of ``DecisionClock`` show the stack of the strategy.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _CLOCK_SIGNALS)
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)


class DecisionClock:
    """Limits the time of each decision.

    After the time a ``DecisionTimeout`` is raised in the code that runs. Code that does not let
    that through a third time, or does not return to Python, ends with its process after twice the
    time; its stack is written to ``log``.
    """

    _RAISED_MAX = 2

    def __init__(self, seconds: float, log: TextIO) -> None:
        self._seconds = seconds
        self._raised = 0
        signal.signal(signal.SIGALRM, self._raise_timeout)
        faulthandler.register(signal.SIGVTALRM, file=log, all_threads=False, chain=True)

    @contextmanager
    def limit(self, factor: int = 1) -> Iterator[None]:
        """Limit what runs in the ``with`` statement, to ``factor`` times that of a decision."""
        seconds = self._seconds * factor
        self._raised = 0
        signal.setitimer(signal.ITIMER_REAL, seconds, seconds / 2)
        signal.setitimer(signal.ITIMER_VIRTUAL, 2 * seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _raise_timeout(self, _: int, __: FrameType | None) -> NoReturn:
        self._raised += 1
        if self._raised > self._RAISED_MAX:
            signal.raise_signal(signal.SIGVTALRM)
        raise DecisionTimeout(f"a decision took longer than {self._seconds:g} s")


def lower_priority(priority: int) -> None:
    """Let other processes of the machine run first."""
    os.nice(priority)
