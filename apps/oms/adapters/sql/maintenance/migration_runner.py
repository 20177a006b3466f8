"""Applies schema migrations and reports the schema version.

Migrations are the numbered files of ``migrations/versions``; the first one is the baseline. They do
not import the table definitions: later changes of these must not alter an old migration.

Alembic is imported when it is used: most processes never migrate, and would start later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from oms.adapters.sql.connection.database import Database, connect
from oms.adapters.sql.connection.errors import public_error
from oms.domain.errors import Conflict

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

Result = TypeVar("Result")


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


def expected_version() -> str | None:
    """Return the schema version that this program requires."""
    return _scripts().get_current_head()


async def _run_at(url: str, work: Callable[[Connection], Result]) -> Result:
    database = await connect(url)
    try:
        return await _run(database, database.write_engine, work)
    finally:
        await database.close()


async def _run(
    database: Database, engine: AsyncEngine, work: Callable[[Connection], Result]
) -> Result:
    # No time limit: migrating a large table may take long.
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except database.driver_errors as error:
        raise public_error(error) from error


def _upgrade(connection: Connection) -> UpgradeResult:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    scripts = _scripts()
    before = _version(connection)
    pending = _pending(scripts, before)
    with EnvironmentContext(
        Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs("head", revision)
    ) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
    return UpgradeResult(from_version=before, to_version=_version(connection), applied=pending)


def _status(connection: Connection) -> MigrationStatus:
    version = _version(connection)
    return MigrationStatus(version=version, pending=_pending(_scripts(), version))


def _version(connection: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def _pending(scripts: "ScriptDirectory", version: str | None) -> tuple[str, ...]:
    _refuse_unknown(scripts, version)
    newer = scripts.iterate_revisions("head", version or "base")
    return tuple(reversed([script.revision for script in newer]))


def _refuse_unknown(scripts: "ScriptDirectory", version: str | None) -> None:
    if version is None or version in {script.revision for script in scripts.walk_revisions()}:
        return
    baseline = scripts.get_base()
    if baseline is not None and version < baseline:
        raise Conflict(
            f"the database is of schema {version}, older than the baseline {baseline}: upgrade it"
            " with the last release before the baseline first"
        )
    raise Conflict(f"the database is of schema {version}, which this release does not know")


def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(Path(__file__).parent.parent / "migrations"))
