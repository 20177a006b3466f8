"""The folder of what test databases are copied from, shared by all pytest processes of a checkout.

A template is made by the first process that needs it. Its name contains what it was made of, so
that none is used after a change of that.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "build" / "test-databases"
#: What a schema is made of, beside the migrations: versions of libraries.
_INPUTS = ("requirements.lock", "apps/oms/adapters/sql")


@contextmanager
def lock_templates() -> Iterator[Path]:
    """Yield the folder; no other process reads or changes it meanwhile."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    handle = os.open(FOLDER, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield FOLDER
    finally:
        os.close(handle)


def schema_hash() -> str:
    """Return a hash of the files that decide what a migrated database is."""
    digest = hashlib.sha256()
    for name in _INPUTS:
        path = ROOT / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            body = file.read_bytes()
            digest.update(f"{file.relative_to(ROOT)} {len(body)}\n".encode() + body)
    return digest.hexdigest()[:16]


def publish(draft: Path, template: Path) -> None:
    """Move a file or folder into its place; older templates of its kind are removed.

    The kind is what its name begins with, up to a hyphen.
    """
    kind = template.name.partition("-")[0]
    staged = template.parent / f"draft-{kind}"
    for old in (staged, *template.parent.glob(f"{kind}-*")):
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)
    shutil.move(draft, staged)  # It may come from another file system, in many steps.
    staged.rename(template)
