"""Starts ``oms`` processes, forked from one that has imported its modules already.

A new interpreter imports a thousand modules, which takes longer than most commands. Here the fork
server of ``multiprocessing`` imports them once per pytest process; a process that it forks has its
own session or process group, environment, working folder and files, and runs ``oms.cli.main`` as
the command does. Only tests allow this (``FORK_SERVER.is_allowed``): benchmarks start what users
start. A new interpreter is started on demand, and where the environment has a variable that only a
new one reads.
"""

import contextlib
import gc
import multiprocessing
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Protocol

import oms

#: Variables that are read when an interpreter, the linker or the C library starts.
READ_AT_START = ("PYTHON", "LD_", "FAKETIME", "LC_", "LANG", "TZ", "MALLOC_", "TMPDIR")
#: Not imported before a fork: revisions of the schema, and the module that runs the command.
NOT_IMPORTED = (".migrations", "__main__")


class OmsProcess(Protocol):
    """What both kinds of processes offer, as ``subprocess.Popen`` does."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit status; None while it runs; the negative signal that ended it."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status at its end. Raises ``subprocess.TimeoutExpired``."""

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""

    def terminate(self) -> None:
        """Send SIGTERM, unless it has ended."""

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""


@dataclass(frozen=True, slots=True)
class _Start:
    """What a forked process needs to be as a new one would be."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stdin: Path
    out: Path
    err: Path
    has_session: bool


@dataclass(slots=True)
class ForkServer:
    """Whether processes are forked in this one, and the server, which starts with the first."""

    is_allowed: bool = False
    _context: ForkServerContext | None = None

    @property
    def context(self) -> ForkServerContext:
        """The server that imports all modules of ``oms``."""
        if self._context is None:
            names = [
                module.name
                for module in pkgutil.walk_packages(oms.__path__, "oms.")
                if not any(part in module.name for part in NOT_IMPORTED)
            ]
            self._context = multiprocessing.get_context("forkserver")
            self._context.set_forkserver_preload(["uvicorn", *names])
        return self._context


FORK_SERVER = ForkServer()


class ForkedProcess:
    """A process of the fork server. Several threads may wait for its end."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self._lock = threading.Lock()
        assert process.pid is not None
        self.pid = process.pid

    def poll(self) -> int | None:
        """Return the exit status; None while it runs; the negative signal that ended it."""
        with self._lock:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status at its end. Raises ``subprocess.TimeoutExpired``."""
        wait([self._process.sentinel], timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(f"oms, pid {self.pid}", timeout or 0)
        return status

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            # It ends by itself in between, or the fork server has just read its status.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Send SIGTERM, unless it has ended."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)


def start_oms(
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    has_session: bool = True,
    is_forked: bool = True,
) -> OmsProcess:
    """Start ``oms`` with these arguments; its output is appended to ``log``.

    Without ``has_session`` it stays in the session of the caller, in a process group of its own.
    """
    if is_forked and _can_fork(environment):
        files = (Path(os.devnull), log, log)
        return _fork(_Start(arguments, environment, folder, *files, has_session=has_session))
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "oms", *arguments],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=has_session,
            process_group=None if has_session else 0,
        )


def run_oms(
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    seconds_max: float,
    stdin: str = "",
) -> "subprocess.CompletedProcess[str]":
    """Run ``oms`` with these arguments to its end, in a session of its own.

    Raises ``subprocess.TimeoutExpired`` after ``seconds_max``, when it is killed.
    """
    if not _can_fork(environment):
        return subprocess.run(
            [sys.executable, "-m", "oms", *arguments],
            env=environment,
            cwd=folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds_max,
            check=False,
            # As a terminal has one: processes of other tests do not lower its share.
            start_new_session=True,
        )
    with tempfile.TemporaryDirectory(prefix="oms-command-") as name:
        read, out, err = (Path(name) / each for each in ("stdin", "out", "err"))
        read.write_text(stdin, encoding="utf-8")
        process = _fork(_Start(arguments, environment, folder, read, out, err, has_session=True))
        try:
            status = process.wait(seconds_max)
        except BaseException:
            process.kill()
            raise
        texts = (out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))
        return subprocess.CompletedProcess(arguments, status, *texts)


def _fork(start: _Start) -> ForkedProcess:
    process = FORK_SERVER.context.Process(target=_become, args=(start,))
    process.start()
    return ForkedProcess(process)


def _can_fork(environment: Mapping[str, str]) -> bool:
    """Return whether forks are allowed and the environment has what this process started with."""
    return FORK_SERVER.is_allowed and _read_at_start(environment) == _read_at_start(os.environ)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if name.startswith(READ_AT_START)}


def _become(start: _Start) -> None:
    """Run the command in the forked process, and exit with its status."""
    gc.freeze()
    if start.has_session:
        os.setsid()
    else:
        os.setpgid(0, 0)
    os.environ.clear()
    os.environ.update(start.environment)
    os.chdir(start.folder)
    appended = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path, flags in (
        (0, start.stdin, os.O_RDONLY),
        (1, start.out, appended),
        (2, start.err, appended),
    ):
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.argv = ["oms", *start.arguments]
    from oms.cli.main import main

    main(list(start.arguments))
