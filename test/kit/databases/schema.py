"""Schemas of test databases: migrated once per process and kind, then copied.

A migration of an empty database takes longer than most tests; a copy of a migrated one does not.
"""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit.databases.sql import connect
from oms.adapters.sql.maintenance.migration_runner import upgrade

_SQLITE = "sqlite+aiosqlite:///"
_FILE = "oms.sqlite3"
#: Databases that this process has migrated.
_migrated: set[str] = set()
_templates: list[Path] = []
#: What creates the tables of a migrated MariaDB database and their rows: statements with values.
_recorded: list[tuple[str, tuple[Any, ...]]] = []


async def create_schema(dsn: str) -> None:
    """Create the newest schema in the database, whatever state it is in."""
    if dsn in _migrated:
        return
    if not await copy_schema(dsn):
        if dsn.startswith("sqlite") or _tables(dsn):
            await upgrade(dsn)
        elif _recorded:
            _replay(dsn)
        else:
            await upgrade(dsn)
            _recorded.extend(_record(dsn))
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


def _tables(dsn: str) -> list[str]:
    with connect(dsn) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW TABLES")
        return [name for (name,) in cursor.fetchall()]


def _record(dsn: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield what creates the tables of a migrated database, and the rows of its migrations."""
    names = _tables(dsn)
    with connect(dsn) as connection:
        cursor = connection.cursor()
        for name in names:
            cursor.execute(f"SHOW CREATE TABLE {name}")
            yield cursor.fetchone()[1], ()
        for name in names:
            cursor.execute(f"SELECT * FROM {name}")
            for row in cursor.fetchall():
                yield f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(row))})", row


def _replay(dsn: str) -> None:
    with connect(dsn) as connection:
        cursor = connection.cursor()
        cursor.execute("SET foreign_key_checks = 0")  # A table may refer to a later one.
        for statement, values in _recorded:
            cursor.execute(statement, values or None)
        connection.commit()
