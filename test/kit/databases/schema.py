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
    if _is_new_file(dsn):
        shutil.copyfile(await _template(), dsn.removeprefix(_SQLITE))
    else:
        await upgrade(dsn)
    _migrated.add(dsn)


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
