"""The file of the audit mirror: JSON lines, each with the number of its row in the hash chain.

The last line holds the number of the last row in the file, whatever process wrote it: a row is
appended once, although a runner may end between the write and its record in the database. A lock on
the file is held while its end is read and written, so that a process that was paused in between
appends nothing twice.
"""

import fcntl
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from oms.adapters.private_files import FILE_MODE

ROTATED_BYTES = 100 * 1024 * 1024
_TAIL_BYTES = 4 * 1024 * 1024
"""The last line is not longer: the columns of a row are limited."""


class MirrorBusyError(Exception):
    """Another process is writing the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFile:
    """Appends to the file at ``path``; a full one is renamed, with the number of its last line."""

    path: Path
    rotated_bytes: int = ROTATED_BYTES

    def append(self, position: int, lines: Sequence[tuple[int, str]]) -> None:
        """Append the lines whose number the file does not have, durably.

        ``position`` is the number of the last row that the database has recorded as written. Raises
        ``MirrorBusyError``, ``OSError``.
        """
        with self._open() as file:
            last, end = _find_end(file)
            if last is None:
                last = position
            new = [text for number, text in lines if number > last]
            if not new:
                return
            file.truncate(end)  # a line that was cut off by a crash
            if end >= self.rotated_bytes and last <= position:
                self._rotate(last)
                with self._open() as fresh:
                    _write(fresh, 0, new)
                return
            _write(file, end, new)

    def set_aside(self) -> None:
        """Rename the file, if there is one with lines. Raises ``MirrorBusyError``, ``OSError``."""
        with self._open() as file:
            last, _ = _find_end(file)
            if last is not None:
                self._rotate(last)

    def _open(self) -> BinaryIO:
        """Return the open file, locked. Raises ``MirrorBusyError``, ``OSError``."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.fstat(descriptor).st_ino == self.path.stat().st_ino:
                    return file
        except BlockingIOError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()  # it was renamed meanwhile, or is being written
        raise MirrorBusyError(f"another process is writing {self.path}")

    def _rotate(self, last: int) -> None:
        """Rename the file to a name that no file has."""
        name = f"{self.path.name}.{last}"
        count = 0
        while self.path.with_name(name).exists():
            count += 1
            name = f"{self.path.name}.{last}.{count}"
        self.path.rename(self.path.with_name(name))


def _find_end(file: BinaryIO) -> tuple[int | None, int]:
    """Return the number of the last whole line, ``None`` without one, and where it ends."""
    size = file.seek(0, os.SEEK_END)
    start = max(size - _TAIL_BYTES, 0)
    file.seek(start)
    tail = file.read(size - start)
    end = tail.rfind(b"\n") + 1
    if not end:
        return None, 0
    line = tail[tail.rfind(b"\n", 0, end - 1) + 1 : end]
    try:
        return int(json.loads(line)["number"]), start + end
    except (ValueError, KeyError, TypeError):
        raise OSError(f"the last line of {file.name} is not of the audit mirror") from None


def _write(file: BinaryIO, end: int, lines: Sequence[str]) -> None:
    file.seek(end)
    content = memoryview("".join(f"{text}\n" for text in lines).encode())
    while content:
        content = content[file.write(content) :]
    os.fsync(file.fileno())
