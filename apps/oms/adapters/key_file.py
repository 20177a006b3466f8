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

from oms.adapters.private_files import replaced_file
from oms.ports.vault import NoMasterKey

FILE_HEADER = (
    "# Master keys of oms-gateway: the first seals, the others only open. Keep a copy elsewhere.\n"
)
SIGNAL_KEY_HEADER = "# Signal key of oms-gateway, of the secrets that API and runner open.\n"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The master key file at ``path``."""

    path: Path
    header: str = FILE_HEADER

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
        """Create the file with this key; returns ``False`` and changes nothing if it exists.

        An existing file may be in a folder that this process cannot write to.
        """
        if self.path.exists():
            return False
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._write([key], keeps_existing=True)
        except FileExistsError:
            return False
        return True

    def replace(self, keys: Sequence[str]) -> None:
        """Replace all keys."""
        self._write(keys)

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

    def _write(self, keys: Sequence[str], *, keeps_existing: bool = False) -> None:
        text = self.header + "".join(f"{key}\n" for key in keys)
        with replaced_file(self.path, keeps_existing=keeps_existing) as file:
            file.write(text.encode("ascii"))
