"""``oms up``: api and worker as two processes under one supervisor.

A child that dies is started again; one that stops telling that its event loop lives is ended and
started again. On SQLite this is what frees the database from a stopped writer. The supervisor
itself does next to nothing, so that there is little in it that can stop.
"""

import argparse
import asyncio
import contextlib
import hashlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

from oms.cli.first_run import first_run, greeting
from oms.cli.output import Failed
from oms.cli.run import HEARTBEAT_VARIABLE
from oms.cli.settings import settings_of
from oms.config import Settings

LOOK_SECONDS = 0.2
SILENCE_SECONDS_MAX = 5.0
START_SECONDS_MAX = 30.0
RESTART_SECONDS = (0.2, 5.0)
#: A child that lived this long is well: the next restart does not wait.
WELL_SECONDS = 10.0
TERM_SECONDS_MAX = 4.0


@dataclass(slots=True)
class Child:
    """One process and how it is."""

    name: str
    arguments: list[str]
    process: "subprocess.Popen[bytes] | None" = None
    heartbeat: int = -1
    started_at: float = 0.0
    heard_at: float = 0.0
    has_spoken: bool = False
    wait_seconds: float = RESTART_SECONDS[0]
    start_at: float = 0.0

    def start(self) -> None:
        """Start it with a pipe to tell that it lives."""
        reader, writer = os.pipe2(os.O_NONBLOCK)
        environment = os.environ | {HEARTBEAT_VARIABLE: str(writer)}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "oms", *self.arguments],
                env=environment,
                pass_fds=(writer,),
            )
        finally:
            os.close(writer)
        self.heartbeat = reader
        self.started_at = self.heard_at = time.monotonic()
        self.has_spoken = False

    def listen(self) -> None:
        """Take in what it told."""
        with contextlib.suppress(BlockingIOError):
            if os.read(self.heartbeat, 4096):
                self.heard_at = time.monotonic()
                self.has_spoken = True

    def is_silent(self) -> bool:
        """Whether it should have told by now that it lives."""
        patience = SILENCE_SECONDS_MAX if self.has_spoken else START_SECONDS_MAX
        return time.monotonic() - self.heard_at > patience

    def bury(self) -> None:
        """Forget a dead process and plan its successor."""
        assert self.process is not None
        os.close(self.heartbeat)
        lived = time.monotonic() - self.started_at
        self.wait_seconds = (
            RESTART_SECONDS[0]
            if lived > WELL_SECONDS
            else min(self.wait_seconds * 2, RESTART_SECONDS[1])
        )
        self.start_at = time.monotonic() + self.wait_seconds
        self.process = None


@dataclass(slots=True)
class Supervisor:
    """Keeps its children alive until it is told to stop."""

    children: list[Child]
    stopping: bool = False
    _said: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Watch until SIGINT or SIGTERM, then end the children."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        for child in self.children:
            child.start()
        try:
            while not self.stopping:
                self._look()
        finally:
            self._end()

    def _look(self) -> None:
        pipes = [child.heartbeat for child in self.children if child.process is not None]
        select.select(pipes, [], [], LOOK_SECONDS)
        for child in self.children:
            if child.process is None:
                if time.monotonic() >= child.start_at:
                    child.start()
                continue
            child.listen()
            if child.process.poll() is not None:
                self._say(f"{child.name} ended with {child.process.returncode}; starting it again")
                child.bury()
            elif child.is_silent():
                self._say(f"{child.name} does not answer; ending it and starting it again")
                child.process.kill()
                child.process.wait()
                child.bury()
        time.sleep(0.01)  # a dead child's pipe is readable at once

    def _end(self) -> None:
        living = [child.process for child in self.children if child.process is not None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + TERM_SECONDS_MAX
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
    settings = settings_of(parsed)
    _check_port(settings)
    os.environ["OMS_HOST"], os.environ["OMS_PORT"] = settings.host, str(settings.port)
    told = asyncio.run(first_run(settings))
    home = hashlib.sha256(str(settings.home.absolute()).encode()).hexdigest()[:8]
    supervisor = Supervisor(
        [
            Child("api", ["api"]),
            Child("worker", ["worker", "--name", f"up-{socket.gethostname()}-{home}"]),
        ]
    )
    print(greeting(told), flush=True)
    supervisor.run()


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as taken:
            message = f"{settings.host}:{settings.port}: {taken.strerror}"
            raise Failed(f"{message}; choose another port with OMS_PORT", status=6) from None
