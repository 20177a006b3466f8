"""A gateway in this process on SQLite and on MariaDB."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.gateway.in_process import open_gateway
from kit.gateway.manual_trading import ManualTrading
from oms.config import Settings


@pytest.fixture(params=["sqlite", "mariadb"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    name = f"money_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    yield server.dsn(name, "asyncmy")
    server.drop_database(name)


@pytest.fixture
async def trading(dsn: str) -> AsyncIterator[ManualTrading]:
    """A gateway with a running worker that takes snapshots each second."""
    settings = Settings.model_validate(
        {"access_cache_seconds": 0, "desk": {"equity_snapshot_seconds": 1}}
    )
    async with open_gateway(dsn, settings) as gateway:
        gateway.start_worker()
        yield ManualTrading(gateway)
