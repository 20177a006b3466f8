"""Gateways on SQLite and MariaDB: one schema per module, rows deleted between tests."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import execute
from kit.gateway.admin_client import AdminClient
from kit.gateway.in_process import open_gateway
from oms.adapters.sql.tables import METADATA
from oms.config import Settings

KEPT = ("account_leases", "account_streams", "audit_chain", "id_blocks")


@pytest.fixture(params=["sqlite", "mariadb"], scope="module")
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for one module."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('users') / 'oms.sqlite3'}"
        asyncio.run(create_schema(url))
        yield url
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    name = f"users_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    url = server.dsn(name)
    asyncio.run(create_schema(url))
    yield url
    server.drop_database(name)


@pytest.fixture
def empty_dsn(dsn: str) -> str:
    """The module's database without rows."""
    execute(
        dsn,
        *(f"DELETE FROM {t.name}" for t in reversed(METADATA.sorted_tables) if t.name not in KEPT),
        *(f"DELETE FROM {name} WHERE account_id > 0" for name in KEPT[:2]),
        "DELETE FROM audit_chain",
        *(f"INSERT INTO audit_chain VALUES ({name}, 0, '{'0' * 64}')" for name in (1, 2)),
    )
    return dsn


@pytest.fixture
async def api(empty_dsn: str) -> AsyncIterator[AdminClient]:
    """A gateway with an emptied database, and its admin client."""
    settings = Settings.model_validate({"access_cache_seconds": 5})
    async with open_gateway(empty_dsn, settings) as gateway:
        yield AdminClient(gateway, empty_dsn)
