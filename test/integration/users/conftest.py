"""Gateways on SQLite and MariaDB: one schema per module, rows deleted between tests."""

from collections.abc import AsyncIterator, Iterator

import pytest

from kit.databases.created import created_database
from kit.databases.emptied import empty_database
from kit.gateway.admin_client import AdminClient
from kit.gateway.in_process import open_gateway
from oms.config import Settings


@pytest.fixture(params=["sqlite", "mariadb"], scope="module")
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for one module."""
    yield from created_database(request, tmp_path_factory.mktemp("users"))


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
