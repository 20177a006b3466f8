"""Gateways on SQLite and MariaDB: one schema per module, rows deleted between tests."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from kit.databases.emptied import empty_database
from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.gateway.admin_client import AdminClient
from kit.gateway.in_process import open_gateway
from oms.config import Settings


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
    empty_database(dsn)
    return dsn


@pytest.fixture
async def api(empty_dsn: str) -> AsyncIterator[AdminClient]:
    """A gateway with an emptied database, and its admin client."""
    settings = Settings.model_validate({"access_cache_seconds": 5})
    async with open_gateway(empty_dsn, settings) as gateway:
        yield AdminClient(gateway, empty_dsn)
