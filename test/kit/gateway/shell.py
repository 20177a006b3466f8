"""Runs ``oms`` commands as processes, with or without a terminal, and records their output."""

import contextlib
import fcntl
import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.gateway.oms_process import run_oms

COMMAND_SECONDS_MAX = 60


@dataclass(frozen=True, slots=True)
class CompletedCommand:
    """One completed command."""

    arguments: tuple[str, ...]
    status: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """Its standard output, parsed as JSON."""
        return json.loads(self.out)


@dataclass(slots=True)
class Shell:
    """An environment, a working folder, and all commands run there."""

    environment: Mapping[str, str]
    folder: Path
    done: list[CompletedCommand] = field(default_factory=list)

    def run(
        self, *arguments: str, stdin: str = "", status: int | Sequence[int] = 0, **variables: str
    ) -> CompletedCommand:
        """Runs ``oms`` with these arguments; its exit status must be (one of) ``status``."""
        process = run_oms(
            *arguments,
            environment={**self.environment, **variables},
            folder=self.folder,
            seconds_max=COMMAND_SECONDS_MAX,
            stdin=stdin,
        )
        done = CompletedCommand(arguments, process.returncode, process.stdout, process.stderr)
        self.done.append(done)
        expected = [status] if isinstance(status, int) else status
        assert done.status in expected, done
        return done

    def at_terminal(
        self, *arguments: str, typed: Sequence[str] = (), interrupt: str = "", status: int = 0
    ) -> str:
        """Runs it at a terminal, typing these lines; returns all output of the terminal.

        Ctrl-C is typed when ``interrupt`` has appeared.
        """
        master_fd, terminal_fd = pty.openpty()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, master_fd)
            process = subprocess.Popen(
                [sys.executable, "-m", "oms", *arguments],
                env=self.environment,
                cwd=self.folder,
                stdin=terminal_fd,
                stdout=terminal_fd,
                stderr=terminal_fd,
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )
            os.close(terminal_fd)
            stack.callback(process.wait, COMMAND_SECONDS_MAX)
            output = _conversation(master_fd, list(typed), interrupt)
        self.done.append(CompletedCommand(arguments, process.returncode, output, ""))
        assert process.returncode == status, output
        return output


def _conversation(terminal: int, lines: list[str], interrupt: str) -> str:
    """Types a line at each prompt (output that ends with ``: `` or ``] ``); returns the output."""
    output = ""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the process has closed the terminal
            piece = b""
        if not piece:
            assert not lines and not interrupt, f"not everything was typed: {output}"
            return output
        output += piece.decode()
        if interrupt and interrupt in output:
            os.write(terminal, b"\x03")
            interrupt = ""
        if lines and output.endswith((": ", "] ")):
            os.write(terminal, lines.pop(0).encode() + b"\n")
