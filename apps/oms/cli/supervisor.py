"""``oms up``: api and worker as two processes under one supervisor.

A child that dies is started again; one that stops telling that its event loop lives is ended and
started again. On SQLite this is what frees the database from a stopped writer. The supervisor
itself does next to nothing, so that there is little in it that can stop: it holds the listening
socket, so that callers wait, and are not turned away, while the API is started again.
"""

import argparse
import asyncio
import contextlib
import fcntl
import hashlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TextIO

from oms.cli.first_run import first_run, quick_start_text
from oms.cli.output import CommandFailed
from oms.cli.processes import (
    HEARTBEAT_VARIABLE,
    LISTEN_VARIABLE,
    SUPERVISOR_VARIABLE,
    open_listener,
)
from oms.cli.settings import command_settings
from oms.config import Settings
from oms.domain.errors import OmsError

POLL_SECONDS = 0.2
START_TIMEOUT_SECONDS = 30.0
RESTART_DELAY_SECONDS = (0.2, 5.0)
#: A child whose event loop lived this long was well: its successor does not wait.
HEALTHY_SECONDS = 2.0
#: After it a child is killed: well before five seconds are over, which an end may take.
TERM_TIMEOUT_SECONDS = 3.0
LOCK_FILE = "up.lock"


@dataclass(slots=True)
class ChildProcess:
    """One process and how it is."""

    name: str
    arguments: list[str]
    silence_seconds_max: float
    listener: socket.socket | None = None
    process: "subprocess.Popen[bytes] | None" = None
    heartbeat_fd: int = -1
    #: When it last told that it lives, or was started; ``spoke_at`` is the first time.
    last_heartbeat_at: float = 0.0
    first_heartbeat_at: float | None = None
    restart_delay_seconds: float = RESTART_DELAY_SECONDS[0]
    start_at: float = 0.0

    def start(self) -> None:
        """Start it with a pipe to tell that it lives, in a process group of its own.

        Ctrl-C at a terminal is then for the supervisor alone, which passes it on.
        """
        reader, writer = os.pipe2(os.O_NONBLOCK)
        told = {HEARTBEAT_VARIABLE: writer, SUPERVISOR_VARIABLE: os.getpid()}
        inherited = [writer]
        if self.listener is not None:
            told[LISTEN_VARIABLE] = self.listener.fileno()
            inherited.append(self.listener.fileno())
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "oms", *self.arguments],
                env=os.environ | {name: str(number) for name, number in told.items()},
                stdin=subprocess.DEVNULL,
                pass_fds=inherited,
                process_group=0,
            )
        finally:
            os.close(writer)
        self.heartbeat_fd = reader
        self.last_heartbeat_at = time.monotonic()
        self.first_heartbeat_at = None

    def read_heartbeats(self) -> None:
        """Take in what it told."""
        with contextlib.suppress(BlockingIOError):
            if os.read(self.heartbeat_fd, 4096):
                self.last_heartbeat_at = time.monotonic()
                self.first_heartbeat_at = self.first_heartbeat_at or self.last_heartbeat_at

    def is_silent(self) -> bool:
        """Whether it should have told by now that it lives."""
        patience = (
            START_TIMEOUT_SECONDS if self.first_heartbeat_at is None else self.silence_seconds_max
        )
        return time.monotonic() - self.last_heartbeat_at > patience

    def schedule_restart(self) -> None:
        """Forget a dead process and plan its successor."""
        os.close(self.heartbeat_fd)
        now = time.monotonic()
        if self.first_heartbeat_at is not None and now - self.first_heartbeat_at > HEALTHY_SECONDS:
            self.restart_delay_seconds = RESTART_DELAY_SECONDS[0]
        self.start_at = now + self.restart_delay_seconds
        self.restart_delay_seconds = min(self.restart_delay_seconds * 2, RESTART_DELAY_SECONDS[1])
        self.process = None


@dataclass(slots=True)
class Supervisor:
    """Keeps its children alive until it is told to stop."""

    children: list[ChildProcess]
    stopping: bool = False

    def run(self) -> None:
        """Watch until SIGINT, SIGTERM or SIGHUP, then end the children."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            for child in self.children:
                child.start()
            while not self.stopping:
                self._look()
        finally:
            self._end()

    def _look(self) -> None:
        pipes = [child.heartbeat_fd for child in self.children if child.process is not None]
        select.select(pipes, [], [], POLL_SECONDS)
        for child in self.children:
            if self.stopping:
                return
            if child.process is None:
                if time.monotonic() >= child.start_at:
                    child.start()
                continue
            child.read_heartbeats()
            if child.process.poll() is not None:
                self._say(f"{child.name} ended with {child.process.returncode}; starting it again")
                child.schedule_restart()
            elif child.is_silent():
                self._say(f"{child.name} does not answer; ending it and starting it again")
                child.process.kill()
                child.process.wait()
                child.schedule_restart()
        time.sleep(0.01)  # a dead child's pipe is readable at once

    def _end(self) -> None:
        living = [child.process for child in self.children if child.process is not None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + TERM_TIMEOUT_SECONDS
        for process in living:
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def _say(self, text: str) -> None:
        print(f"oms: {text}", file=sys.stderr, flush=True)


def up(parsed: argparse.Namespace) -> None:
    """Set up what is missing, tell what to paste, and keep api and worker running."""
    settings = command_settings(parsed)
    listener = open_listener(settings.host, settings.port)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    with _alone(settings), listener:
        os.environ["OMS_HOST"], os.environ["OMS_PORT"] = settings.host, str(settings.port)
        try:
            told = asyncio.run(first_run(settings))
        except OmsError as wrong:
            raise CommandFailed(wrong.message, status=6) from None
        silence = settings.silence_seconds_max
        supervisor = Supervisor(
            [
                ChildProcess("api", ["api"], silence, listener),
                ChildProcess("worker", ["worker", "--name", _worker_name(settings)], silence),
            ]
        )
        print(quick_start_text(told), flush=True)
        supervisor.run()


def _worker_name(settings: Settings) -> str:
    """The same at each start: a worker knows what its predecessor of the same name held."""
    home = hashlib.sha256(str(settings.home.absolute()).encode()).hexdigest()[:8]
    return f"up-{socket.gethostname()[:40]}-{home}"


def _alone(settings: Settings) -> TextIO:
    """The lock of the home folder, held while it is open. Raises ``Failed`` if another has it."""
    settings.home.mkdir(parents=True, exist_ok=True)
    lock = (settings.home / LOCK_FILE).open("w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        message = f"another oms up runs in {settings.home}; choose another folder with OMS_HOME"
        raise CommandFailed(message, status=2) from None
    return lock
