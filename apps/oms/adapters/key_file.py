"""The file of master keys: one per line, the first one seals; lines starting with # are comments.

The file is readable by its owner only and replaced atomically: a reader finds the old or the new
keys, never a partial file.
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
    """The master key file at ``path``."""

    path: Path

    def read(self) -> Sequence[str]:
        """Return the keys; none without a file. Raises ``NoMasterKey`` if it is unreadable."""
        try:
            lines = self.path.read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise NoMasterKey(f"{self.path}: {reason}") from None
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def create(self, key: str) -> bool:
        """Create the file with this key; returns ``False`` and changes nothing if it exists."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            draft = self._write_draft([key])
            os.link(draft, self.path)  # fails if the file was created meanwhile
        except FileExistsError:
            return False
        finally:
            self._draft.unlink(missing_ok=True)
        return True

    def replace(self, keys: Sequence[str]) -> None:
        """Replace all keys."""
        self._write_draft(keys).replace(self.path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock for a replacement. Raises ``NoMasterKey`` if another process holds it."""
        path = self.path.with_name(f".{self.path.name}.lock")
        with path.open("w", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NoMasterKey(f"another process is changing {self.path}") from None
            yield

    def is_accessible_by_others(self) -> bool:
        """Whether the file is owned by this user and accessible by others."""
        status = self.path.stat()
        return status.st_uid == os.getuid() and bool(status.st_mode & 0o077)

    @property
    def _draft(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{os.getpid()}")

    def _write_draft(self, keys: Sequence[str]) -> Path:
        draft = self._draft
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(FILE_HEADER + "".join(f"{key}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return draft
