"""The file of master keys: one a line, the first seals; what begins with # is told to people.

Readable by its owner alone, and replaced in one step: whoever reads finds the old keys or the new
ones, never half a file. Nothing here knows what a key is good for.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oms.ports.vault import NoMasterKey

FILE_MODE = 0o600
FILE_HEADER = (
    "# Master keys of oms-gateway: the first seals, the others only open. Keep a copy elsewhere.\n"
)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The file at ``path``."""

    path: Path

    def read(self) -> Sequence[str]:
        """The keys; none where there is no file. Raises ``NoMasterKey`` if it cannot be read."""
        try:
            lines = self.path.read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as problem:
            told = getattr(problem, "strerror", None) or "it is no text"
            raise NoMasterKey(f"{self.path}: {told}") from None
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def create(self, key: str) -> bool:
        """Make the file with this key, unless it is there: then it stays as it is."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft = self._written([key])
            os.link(draft, self.path)  # fails where somebody was faster
        except FileExistsError:
            return False
        finally:
            self._draft.unlink(missing_ok=True)
        return True

    def replace(self, keys: Sequence[str]) -> None:
        """Put these keys in the place of those that were there."""
        self._written(keys).replace(self.path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The right to replace it. Raises ``NoMasterKey`` where another process has it."""
        path = self.path.with_name(f".{self.path.name}.lock")
        with path.open("w", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NoMasterKey(f"another process changes {self.path}") from None
            yield

    def is_accessible_by_others(self) -> bool:
        """Whether it is ours and somebody else may read it."""
        status = self.path.stat()
        return status.st_uid == os.getuid() and bool(status.st_mode & 0o077)

    @property
    def _draft(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{os.getpid()}")

    def _written(self, keys: Sequence[str]) -> Path:
        draft = self._draft
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(FILE_HEADER + "".join(f"{key}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return draft
