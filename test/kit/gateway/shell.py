"""A user at a shell: runs ``oms`` commands as processes and remembers all that they said."""

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

COMMAND_SECONDS_MAX = 60


@dataclass(frozen=True, slots=True)
class CompletedCommand:
    """One command that ended."""

    arguments: tuple[str, ...]
    status: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


@dataclass(slots=True)
class Shell:
    """An environment, a folder, and all commands that were run there."""

    environment: Mapping[str, str]
    folder: Path
    done: list[CompletedCommand] = field(default_factory=list)

    def run(
        self, *words: str, stdin: str = "", status: int | Sequence[int] = 0, **variables: str
    ) -> CompletedCommand:
        """Run ``oms`` with these words; it must end with ``status`` (or one of them)."""
        ended = subprocess.run(
            [sys.executable, "-m", "oms", *words],
            env={**self.environment, **variables},
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        done = CompletedCommand(words, ended.returncode, ended.stdout, ended.stderr)
        self.done.append(done)
        wanted = [status] if isinstance(status, int) else status
        assert done.status in wanted, done
        return done

    def at_terminal(self, *words: str, typed: Sequence[str] = (), status: int = 0) -> str:
        """Run it at a terminal where somebody types these lines; all that the terminal showed."""
        ours, theirs = pty.openpty()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, ours)
            process = subprocess.Popen(
                [sys.executable, "-m", "oms", *words],
                env=self.environment,
                cwd=self.folder,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )
            os.close(theirs)
            stack.callback(process.wait, COMMAND_SECONDS_MAX)
            shown = _conversation(ours, list(typed))
        self.done.append(CompletedCommand(words, process.returncode, shown, ""))
        assert process.returncode == status, shown
        return shown


def _conversation(terminal: int, lines: list[str]) -> str:
    """Type a line at each prompt (a text that ends with ``: `` or ``] ``); what was shown."""
    shown = ""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            piece = b""
        if not piece:
            assert not lines, f"never asked for all: {shown}"
            return shown
        shown += piece.decode()
        if lines and shown.endswith((": ", "] ")):
            os.write(terminal, lines.pop(0).encode() + b"\n")
