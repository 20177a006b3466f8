"""Schemas of test databases: migrated once per process, then copied.

A migration of an empty SQLite file takes longer than most tests; a copy of a migrated one does not.
"""

import atexit
import shutil
import tempfile
from pathlib import Path

from oms.adapters.sql.maintenance.migration_runner import upgrade

_SQLITE = "sqlite+aiosqlite:///"
_FILE = "oms.sqlite3"
#: Databases that this process has migrated.
_migrated: set[str] = set()
_templates: list[Path] = []


async def create_schema(dsn: str) -> None:
    """Create the newest schema in the database, whatever state it is in."""
    if dsn in _migrated:
        return
    if not await copy_schema(dsn):
        await upgrade(dsn)
    _migrated.add(dsn)


async def copy_schema(dsn: str) -> bool:
    """Create the database as a copy if it is a new file; returns whether it was one."""
    if not _is_new_file(dsn):
        return False
    path = Path(dsn.removeprefix(_SQLITE))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(await _template(), path)
    return True


def _is_new_file(dsn: str) -> bool:
    return dsn.startswith(_SQLITE) and not Path(dsn.removeprefix(_SQLITE)).exists()


async def _template() -> Path:
    if not _templates:
        folder = tempfile.mkdtemp(prefix="oms-schema-")
        atexit.register(shutil.rmtree, folder)
        path = Path(folder) / _FILE
        await upgrade(_SQLITE + str(path))
        _templates.append(path)
    return _templates[0]
