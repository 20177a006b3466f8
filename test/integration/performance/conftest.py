"""A gateway in this process on SQLite and on MariaDB."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kit.databases.created import created_database
from kit.gateway.in_process import open_gateway
from kit.gateway.manual_trading import ManualTrading
from oms.config import Settings


@pytest.fixture(params=["sqlite", "mariadb"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind."""
    yield from created_database(request, tmp_path, driver="asyncmy", has_schema=False)


@pytest.fixture
async def trading(dsn: str) -> AsyncIterator[ManualTrading]:
    """A gateway with a running worker that takes snapshots each second."""
    settings = Settings.model_validate(
        {"access_cache_seconds": 0, "desk": {"equity_snapshot_seconds": 1}}
    )
    async with open_gateway(dsn, settings) as gateway:
        gateway.start_worker()
        yield ManualTrading(gateway)
