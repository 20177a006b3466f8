"""The files of the built page, read once and kept in memory with their compressed bodies.

A request names a key of a dictionary and never a path of the file system. The folder is read
again when its ``build.json`` changes, which a build writes last.
"""

import gzip
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from threading import Lock

from oms.api.entity_tags import entity_tag
from oms.domain.value import value

INDEX = "index.html"
BUILD_RECORD = "build.json"
ASSETS = "assets/"
"""The folder whose file names contain a hash of their content."""

MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
"""Content types by suffix; those of the operating system may be wrong."""

_COMPRESSED_SUFFIXES = frozenset({".html", ".js", ".css", ".json", ".svg", ".txt"})
_COMPRESSED_BYTES_MIN = 512
_UNKNOWN_TYPE = "application/octet-stream"


@value
class PageFile:
    """One file; ``compressed`` is its gzip text if that is smaller."""

    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str
    is_immutable: bool


class PageFolder:
    """The files of a folder; it may be built, built again or removed while the process runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._files: Mapping[str, PageFile] = {}
        self._version: tuple[int, int] | None = None

    def read(self) -> Mapping[str, PageFile]:
        """Return the files by path; without a complete build there are none. It may block."""
        with self._lock:
            version = _version_of(self._folder / BUILD_RECORD)
            if version != self._version:
                self._files = {} if version is None else _read_files(self._folder)
                self._version = version
            return self._files


def _version_of(record: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(record)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _read_files(folder: Path) -> dict[str, PageFile]:
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(folder).as_posix()
            files[name] = page_file(name, path.read_bytes())
    return files if INDEX in files else {}


def page_file(name: str, body: bytes) -> PageFile:
    """Return the file of that name with what is served of it."""
    suffix = PurePosixPath(name).suffix
    compressed = None
    if suffix in _COMPRESSED_SUFFIXES and len(body) >= _COMPRESSED_BYTES_MIN:
        compressed = gzip.compress(body, compresslevel=9, mtime=0)
        if len(compressed) >= len(body):
            compressed = None
    return PageFile(
        body=body,
        compressed=compressed,
        media_type=MEDIA_TYPES.get(suffix, _UNKNOWN_TYPE),
        # Weak: the same for both encodings.
        etag=entity_tag(body),
        is_immutable=name.startswith(ASSETS),
    )
