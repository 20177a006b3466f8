"""Applies schema migrations and reports the schema version.

Migrations are the numbered files of ``migrations/versions`` and, from 0039 on,
``migrations/later_versions``; the first one is the baseline. They do not import the table
definitions: later changes of these must not alter an old migration.

Alembic is imported when migrations are applied. Versions are read without it: most starts have
nothing to apply, and its import takes as long as the rest of a command.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.util import greenlet_spawn

from oms.adapters.sql.connection.database import Database, connect
from oms.adapters.sql.connection.errors import public_error
from oms.domain.errors import Conflict

Result = TypeVar("Result")

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
#: The folders with the numbered files.
VERSION_FOLDERS = (_MIGRATIONS / "versions", _MIGRATIONS / "later_versions")
#: The table in which Alembic stores the last applied migration.
_VERSION_TABLE = "alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeResult:
    """Result of an upgrade; versions are ``None`` for an empty database."""

    from_version: str | None
    to_version: str | None
    applied: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationStatus:
    """Schema version of a database and its pending migrations, ascending."""

    version: str | None
    pending: tuple[str, ...]


async def upgrade(url: str) -> UpgradeResult:
    """Apply all pending migrations.

    Raises ``Unavailable``, and ``Conflict`` for a version that this program does not contain.
    """
    return await _run_at(url, _upgrade)


async def status(url: str) -> MigrationStatus:
    """Return the schema version of the database at ``url``. Raises like ``upgrade``."""
    return await _run_at(url, _status)


async def read_version(database: Database) -> str | None:
    """Return the last applied migration. Raises ``Unavailable``."""
    return await _run(database, database.read_engine, _version)


async def supports_program(database: Database, version: str) -> bool:
    """Return whether a program that requires ``version`` works on the database.

    It works on a later schema, too, unless a revision removed something that it uses
    (``schema_support``): so old and new processes may run side by side. Raises ``Unavailable``.
    """

    def read(connection: Connection) -> bool:
        stored = _version(connection)
        if stored is None or stored <= version:
            return stored == version
        oldest = connection.execute(text("SELECT oldest_program FROM schema_support")).scalar()
        return oldest is not None and str(oldest) <= version

    return await _run(database, database.read_engine, read)


def expected_version() -> str:
    """Return the schema version that this program requires."""
    return _versions()[-1]


async def _run_at(url: str, work: Callable[[Connection], Result]) -> Result:
    database = await connect(url)
    try:
        return await _run(database, database.write_engine, work)
    finally:
        await database.close()


async def _run(database: Database, engine: Engine, work: Callable[[Connection], Result]) -> Result:
    def transaction() -> Result:
        with engine.begin() as connection:
            return work(connection)

    # No time limit: migrating a large table may take long.
    try:
        return await greenlet_spawn(transaction)
    except database.driver_errors as error:
        raise public_error(error) from error


def _upgrade(connection: Connection) -> UpgradeResult:
    before = _version(connection)
    pending = _pending(before)
    if pending:
        _apply_all(connection)
    return UpgradeResult(from_version=before, to_version=_version(connection), applied=pending)


def _apply_all(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    folders = [str(folder) for folder in VERSION_FOLDERS]
    scripts = ScriptDirectory(str(_MIGRATIONS), version_locations=folders)
    with EnvironmentContext(
        Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs("head", revision)
    ) as environment:
        environment.configure(connection=connection, version_table=_VERSION_TABLE)
        environment.run_migrations()


def _status(connection: Connection) -> MigrationStatus:
    version = _version(connection)
    return MigrationStatus(version=version, pending=_pending(version))


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()


def _pending(version: str | None) -> tuple[str, ...]:
    known = _versions()
    if version is None:
        return known
    if version not in known:
        raise Conflict(_unknown_version_text(version, known[0]))
    return known[known.index(version) + 1 :]


def _unknown_version_text(version: str, baseline: str) -> str:
    if version < baseline:
        return (
            f"the database is of schema {version}, older than the baseline {baseline}: upgrade it"
            " with the last release before the baseline first"
        )
    return f"the database is of schema {version}, which this release does not know"


def _versions() -> tuple[str, ...]:
    """Return the numbers in the names of the migration files, ascending: ``v0014_baseline.py``."""
    names = (path.name for folder in VERSION_FOLDERS for path in folder.glob("v*.py"))
    return tuple(sorted(name.removeprefix("v").partition("_")[0] for name in names))
