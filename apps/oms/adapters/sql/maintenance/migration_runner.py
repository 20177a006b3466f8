"""Bring a database to the schema of this program, and tell how far it is.

Migrations stand in ``migrations/versions``, numbered, each with all it needs: later changes of
the tables must not change what an old migration did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from oms.adapters.sql.connection.database import Database, connect
from oms.adapters.sql.connection.errors import translate_error, unavailable_error
from oms.domain.errors import OmsError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeResult:
    """What an upgrade did; versions are ``None`` for an empty database."""

    from_version: str | None
    to_version: str | None
    applied: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationStatus:
    """Where a database stands; ``pending`` ascending."""

    version: str | None
    pending: tuple[str, ...]


async def upgrade(url: str) -> UpgradeResult:
    """Apply all migrations that are missing. Raises ``Unavailable``."""
    return await _with(url, _upgrade)


async def status(url: str) -> MigrationStatus:
    """The version of the database at ``url``. Raises ``Unavailable``."""
    return await _with(url, _status)


async def read_version(database: Database) -> str | None:
    """The last migration applied. Raises ``Unavailable``."""
    return await _run(database, database.read_engine, _version)


def expected_version() -> str | None:
    """The version that this program is made for."""
    return _scripts().get_current_head()


async def _with(url: str, work: Callable[[Connection], Answer]) -> Answer:
    database = await connect(url)
    try:
        return await _run(database, database.write_engine, work)
    finally:
        await database.close()


async def _run(
    database: Database, engine: AsyncEngine, work: Callable[[Connection], Answer]
) -> Answer:
    # No time limit: a migration of a large table may take long.
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except database.driver_errors as error:
        failure = translate_error(error)
        raise (failure if isinstance(failure, OmsError) else unavailable_error(error)) from error


def _upgrade(connection: Connection) -> UpgradeResult:
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
    return MigrationContext.configure(connection).get_current_revision()


def _pending(scripts: ScriptDirectory, version: str | None) -> tuple[str, ...]:
    newer = scripts.iterate_revisions("head", version or "base")
    return tuple(reversed([script.revision for script in newer]))


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent.parent / "migrations"))
