"""Schemas of test databases: migrated once per checkout and kind, then copied.

A migration of an empty database takes longer than most tests; a copy of a migrated one does not.
"""

import atexit
import pickle
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit.databases.sql import connect, fetch_rows
from kit.databases.templates import lock_templates, publish, schema_hash
from oms.adapters.sql.maintenance.migration_runner import expected_version, upgrade

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
        else:
            await _copy_recorded(dsn)
    _migrated.add(dsn)


async def copy_schema(dsn: str) -> bool:
    """Create the database as a copy if it is a new file; returns whether it was one."""
    if not _is_new_file(dsn):
        return False
    path = Path(dsn.removeprefix(_SQLITE))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(await _template(), path)
    return True


async def _copy_recorded(dsn: str) -> None:
    """Create the schema in an empty database of MariaDB."""
    if not _recorded:
        ((server,),) = fetch_rows(dsn, "SELECT VERSION()")  # "-log" if it has a binary log
        version = f"{server.removesuffix('-log')}-{expected_version()}"
        name = f"mariadb-{version}-{schema_hash()}.pickle"
        with lock_templates() as folder:
            if not (folder / name).exists():
                await upgrade(dsn)
                draft = folder / "statements"
                draft.write_bytes(pickle.dumps(list(_record(dsn))))
                publish(draft, folder / name)
            _recorded.extend(pickle.loads((folder / name).read_bytes()))
    if not _tables(dsn):
        _replay(dsn)


def _is_new_file(dsn: str) -> bool:
    return dsn.startswith(_SQLITE) and not Path(dsn.removeprefix(_SQLITE)).exists()


async def _template() -> Path:
    """Return this process's copy of a migrated file."""
    if not _templates:
        own = Path(tempfile.mkdtemp(prefix="oms-schema-"))
        atexit.register(shutil.rmtree, own)
        name = f"sqlite-{expected_version()}-{schema_hash()}.sqlite3"
        with lock_templates() as folder:
            if not (folder / name).exists():
                await upgrade(f"{_SQLITE}{own / _FILE}")
                publish(own / _FILE, folder / name)
            shutil.copyfile(folder / name, own / _FILE)
        _templates.append(own / _FILE)
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
