"""Access to files of the gateway: only for the system user that runs it.

Files that others may read are made private, each with a log line. A folder with the sticky bit, as
``/tmp``, and what another user owns are left as they are.
"""

import logging
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

logger = logging.getLogger(__name__)

FILE_MODE = 0o600
FOLDER_MODE = 0o700
#: Files that SQLite creates beside a database; new ones have its mode.
SQLITE_SUFFIXES = ("", "-wal", "-shm", "-journal")


def create_private_folder(path: Path) -> None:
    """Create a folder, and its parents, or make the existing one private. Raises ``OSError``."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    _restrict(path, FOLDER_MODE)


def create_private_file(path: Path) -> None:
    """Create an empty private file unless one exists or its folder is missing."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    except OSError:
        return  # opening the file reports what is wrong


@contextmanager
def replaced_file(path: Path, *, keeps_existing: bool = False) -> Iterator[BinaryIO]:
    """Yield a private file that takes the place of ``path`` when it is whole and on disk.

    After an exception ``path`` is unchanged. Raises ``OSError``; with ``keeps_existing``
    ``FileExistsError`` if there is a file at the end.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if keeps_existing:
            os.link(draft, path)
        else:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def make_private(paths: Iterable[Path]) -> None:
    """Take the access of others from those of the files that exist. Raises ``OSError``."""
    for path in paths:
        if path.is_file():
            _restrict(path, FILE_MODE)


def _restrict(path: Path, mode: int) -> None:
    status = path.stat()
    is_ours = status.st_uid == os.getuid() and not status.st_mode & stat.S_ISVTX
    if is_ours and status.st_mode & 0o077:
        path.chmod(mode)
        before = stat.S_IMODE(status.st_mode)
        logger.warning("file_made_private path=%s from=%04o to=%04o", path, before, mode)
