"""Stores of every kind: one test, every database and driver.

The schema is made once per test module; between tests the rows go, so that each finds what the
migrations left.
"""

import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.mariadb import PrivateMariaDB
from oms.adapters.sql.engine import open_database
from oms.adapters.sql.migrate import upgrade
from oms.adapters.sql.store import SqlStore
from oms.adapters.sql.tables import METADATA

KINDS = ("sqlite", "mariadb-aiomysql", "mariadb-asyncmy")


@dataclass(frozen=True)
class Place:
    """Where a store is kept: its kind and its URL."""

    kind: str
    url: str


@pytest.fixture(scope="module", params=KINDS)
async def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """An upgraded database of the asked kind, for one module."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('store') / 'oms.sqlite3'}"
        await upgrade(url)
        yield Place("sqlite", url)
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    name = f"store_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    driver = "aiomysql" if request.param.endswith("aiomysql") else "asyncmy"
    url = server.dsn(name, driver)
    await upgrade(url)
    yield Place(request.param, url)
    server.drop_database(name)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[SqlStore]:
    """An open store that holds nothing but what the migrations made."""
    await emptied(place.url)
    opened = await SqlStore.open(place.url)
    yield opened
    await opened.close()


@pytest.fixture
async def second(place: Place, store: SqlStore) -> AsyncIterator[SqlStore]:
    """Another process's view of the same database."""
    opened = await SqlStore.open(place.url)
    yield opened
    await opened.close()


@pytest.fixture
def empty_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


async def emptied(url: str) -> None:
    """Take all rows away but those that the migrations made."""
    database = open_database(url)
    async with database.writes.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            if table.name == "id_blocks":
                continue
            where = (
                " WHERE account_id > 0"
                if table.name in ("account_leases", "account_streams")
                else ""
            )
            await connection.exec_driver_sql(f"DELETE FROM {table.name}{where}")
        await connection.exec_driver_sql("UPDATE account_streams SET head_seq = 0, lease_token = 0")
        await connection.exec_driver_sql(
            "UPDATE account_leases SET owner = '', token = 0, expires_at = '1970-01-01 00:00:00'"
        )
    await database.close()
