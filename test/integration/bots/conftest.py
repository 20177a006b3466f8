"""A gateway per database, whose candles the tests close; tests start runners of their own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from kit.databases.created import created_database
from kit.databases.emptied import empty_database
from kit.gateway.bots import BotGateway, open_bots, shorten_rounds
from kit.gateway.in_process import open_gateway
from oms.config import Settings


@pytest.fixture(params=["sqlite", "mariadb"], scope="module")
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for one module."""
    yield from created_database(request, tmp_path_factory.mktemp("bots"))


@pytest.fixture
async def bots(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BotGateway]:
    """A gateway with an instrument and a strategy, and a running worker."""
    shorten_rounds(monkeypatch)
    empty_database(dsn)
    settings = Settings.model_validate({"access_cache_seconds": 0})
    async with open_gateway(dsn, settings) as gateway, open_bots(gateway) as opened:
        yield opened
