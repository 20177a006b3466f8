"""``oms up``: API, worker and runner as three processes under one supervisor.

A process that exits is restarted; one without heartbeats is killed and restarted, which on SQLite
releases the database from a hung writer. The supervisor holds the listening socket, so that clients
wait, and are not refused, while the API restarts.
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
from collections.abc import Collection
from dataclasses import dataclass
from typing import TextIO

from oms.adapters.private_files import create_private_folder
from oms.cli.first_run import first_run, quick_start_text
from oms.cli.output import CommandFailed
from oms.cli.processes import (
    HEARTBEAT_VARIABLE,
    LISTEN_VARIABLE,
    SUPERVISOR_VARIABLE,
    open_listener,
    require_master_key,
)
from oms.cli.settings import command_settings
from oms.config import FIRST_RUN_FILE, Settings
from oms.domain.errors import OmsError

POLL_SECONDS = 0.2
START_TIMEOUT_SECONDS = 30.0
RESTART_DELAY_SECONDS = (0.2, 5.0)
#: A process that ran this long was healthy: it is restarted without delay.
HEALTHY_SECONDS = 2.0
#: After this a terminating process is killed; shutdown may take five seconds in all.
TERM_TIMEOUT_SECONDS = 3.0
LOCK_FILE = "up.lock"
#: The runner opens no credentials of exchanges.
MASTER_KEY = ("OMS_MASTER_KEY",)


@dataclass(slots=True)
class ChildProcess:
    """One supervised process."""

    name: str
    arguments: list[str]
    silence_seconds_max: float
    listener: socket.socket | None = None
    #: Variables of the environment that it does not get.
    withheld: Collection[str] = ()
    process: "subprocess.Popen[bytes] | None" = None
    heartbeat_fd: int = -1
    #: Time of the last heartbeat, or of the start; ``first_heartbeat_at`` of the first one.
    last_heartbeat_at: float = 0.0
    first_heartbeat_at: float | None = None
    restart_delay_seconds: float = RESTART_DELAY_SECONDS[0]
    start_at: float = 0.0

    def start(self) -> None:
        """Start it with a heartbeat pipe, in its own process group.

        Ctrl-C at a terminal then reaches only the supervisor, which terminates the processes.
        """
        reader, writer = os.pipe2(os.O_NONBLOCK)
        descriptors = {HEARTBEAT_VARIABLE: writer, SUPERVISOR_VARIABLE: os.getpid()}
        inherited = [writer]
        if self.listener is not None:
            descriptors[LISTEN_VARIABLE] = self.listener.fileno()
            inherited.append(self.listener.fileno())
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "oms", *self.arguments],
                env={name: text for name, text in os.environ.items() if name not in self.withheld}
                | {name: str(number) for name, number in descriptors.items()},
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
        """Read the heartbeats written since the last call."""
        with contextlib.suppress(BlockingIOError):
            if os.read(self.heartbeat_fd, 4096):
                self.last_heartbeat_at = time.monotonic()
                self.first_heartbeat_at = self.first_heartbeat_at or self.last_heartbeat_at

    def is_silent(self) -> bool:
        """Return whether the last heartbeat is too long ago."""
        timeout = (
            START_TIMEOUT_SECONDS if self.first_heartbeat_at is None else self.silence_seconds_max
        )
        return time.monotonic() - self.last_heartbeat_at > timeout

    def schedule_restart(self) -> None:
        """Forget the exited process and set the time of its restart."""
        os.close(self.heartbeat_fd)
        now = time.monotonic()
        if self.first_heartbeat_at is not None and now - self.first_heartbeat_at > HEALTHY_SECONDS:
            self.restart_delay_seconds = RESTART_DELAY_SECONDS[0]
        self.start_at = now + self.restart_delay_seconds
        self.restart_delay_seconds = min(self.restart_delay_seconds * 2, RESTART_DELAY_SECONDS[1])
        self.process = None


@dataclass(slots=True)
class Supervisor:
    """Restarts its processes until a signal."""

    children: list[ChildProcess]
    is_stopping: bool = False

    def run(self) -> None:
        """Supervise until SIGINT, SIGTERM or SIGHUP, then terminate the processes."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            for child in self.children:
                child.start()
            while not self.is_stopping:
                self._poll()
        finally:
            self._terminate()

    def _poll(self) -> None:
        pipes = [child.heartbeat_fd for child in self.children if child.process is not None]
        select.select(pipes, [], [], POLL_SECONDS)
        for child in self.children:
            if self.is_stopping:
                return
            if child.process is None:
                if time.monotonic() >= child.start_at:
                    child.start()
                continue
            child.read_heartbeats()
            if child.process.poll() is not None:
                self._print(f"{child.name} exited with {child.process.returncode}; restarting it")
                child.schedule_restart()
            elif child.is_silent():
                self._print(f"{child.name} sends no heartbeats; killing and restarting it")
                child.process.kill()
                child.process.wait()
                child.schedule_restart()
        time.sleep(0.01)  # the pipe of an exited process is always readable

    def _terminate(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + TERM_TIMEOUT_SECONDS
        for process in running:
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _stop(self, number: int, frame: object) -> None:
        self.is_stopping = True

    def _print(self, text: str) -> None:
        print(f"oms: {text}", file=sys.stderr, flush=True)


def up(parsed: argparse.Namespace) -> None:
    """Set up what is missing, print the quick start text, and supervise the processes."""
    settings = command_settings(parsed)
    require_master_key(settings)
    listener = open_listener(settings.host, settings.port)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    with lock_data_folder(settings), listener:
        try:
            first_run_content = asyncio.run(first_run(settings))
        except OmsError as error:
            raise CommandFailed(error.message, status=6) from None
        path, has_page = settings.home / FIRST_RUN_FILE, settings.ui.enabled
        text = quick_start_text(first_run_content, path, has_page=has_page)
        supervise(settings, listener, text)


def supervise(settings: Settings, listener: socket.socket, text: str) -> None:
    """Print ``text`` and run the processes until a signal; the environment has their settings."""
    os.environ["OMS_HOST"], os.environ["OMS_PORT"] = settings.host, str(settings.port)
    silence_seconds = settings.silence_seconds_max
    name = _lease_owner(settings)
    children = [
        ChildProcess("api", ["api"], silence_seconds, listener),
        ChildProcess("worker", ["worker", "--name", name], silence_seconds),
    ]
    if settings.runner.enabled:
        runner = ["runner", "--name", name]
        children.append(ChildProcess("runner", runner, silence_seconds, withheld=MASTER_KEY))
    print(text, flush=True)
    Supervisor(children).run()


def _lease_owner(settings: Settings) -> str:
    """Return a name that is the same at each start, so that a process takes over its leases."""
    folder_hash = hashlib.sha256(str(settings.home.absolute()).encode()).hexdigest()[:8]
    return f"up-{socket.gethostname()[:40]}-{folder_hash}"


def lock_data_folder(settings: Settings) -> TextIO:
    """Return the locked lock file of the data folder. Raises ``CommandFailed`` if it is taken."""
    create_private_folder(settings.home)
    lock = (settings.home / LOCK_FILE).open("w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        message = f"another oms up runs in {settings.home}; choose another folder with OMS_HOME"
        raise CommandFailed(message, status=2) from None
    return lock
