"""A gateway per database of this folder."""

from collections.abc import AsyncIterator, Iterator

import pytest

from kit.databases.created import created_database
from kit.databases.emptied import empty_database
from kit.gateway.in_process import InProcessGateway, open_gateway
from oms.config import Settings


@pytest.fixture(params=["sqlite", "mariadb"], scope="module")
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for one module."""
    yield from created_database(request, tmp_path_factory.mktemp("sharing"))


@pytest.fixture
async def gateway(dsn: str) -> AsyncIterator[InProcessGateway]:
    """A gateway whose worker is not started."""
    empty_database(dsn)
    settings = Settings.model_validate({"access_cache_seconds": 0})
    async with open_gateway(dsn, settings) as gateway:
        yield gateway
