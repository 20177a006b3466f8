"""``oms audit tail``: the last lines of the audit mirror, and those that follow."""

import argparse
import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import TextIO

from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings

POLL_SECONDS = 0.5


def tail(parsed: argparse.Namespace) -> None:
    """Print the last lines; with ``--follow`` also new ones, until it is interrupted."""
    path = command_settings(parsed).desk.audit_log_path
    if path is None:
        message = "no audit mirror is written: the setting desk.audit_log_path is not set"
        raise CommandFailed(message, status=2)
    try:
        file = path.open(encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}", status=2) from None
    try:
        for line in deque(file, maxlen=parsed.lines) if parsed.lines else _skip(file):
            sys.stdout.write(line)
        sys.stdout.flush()
        if parsed.follow:
            follow(path, file)
    finally:
        file.close()


def follow(path: Path, file: TextIO, rounds: int | None = None) -> None:
    """Print what is appended, also to the file that takes the place of a full one.

    ``rounds`` ends it after so many looks at the file. The file is closed at the end.
    """
    while rounds is None or rounds > 0:
        is_renamed = _is_renamed(path, file)
        for line in iter(file.readline, ""):
            sys.stdout.write(line)
        sys.stdout.flush()
        if is_renamed:
            file.close()
            file = path.open(encoding="utf-8")
            continue
        time.sleep(POLL_SECONDS)
        rounds = None if rounds is None else rounds - 1
    file.close()


def _skip(file: TextIO) -> tuple[str, ...]:
    file.seek(0, 2)
    return ()


def _is_renamed(path: Path, file: TextIO) -> bool:
    try:
        return path.stat().st_ino != os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False
