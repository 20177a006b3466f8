"""Stores on every supported database and driver.

The schema is created once per test module; between tests all rows are deleted, so that each test
starts with what the migrations inserted.
"""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from kit.databases.emptied import delete_rows
from kit.databases.galera import GaleraCluster
from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore

KINDS = ("sqlite", "mariadb-aiomysql", "mariadb-asyncmy")
#: Modules with concurrent writers, which also run on several nodes of a cluster.
CONCURRENT = (
    *("concurrent_writers", "ids", "leases", "ledger", "queue", "rate_budget"),
    *("state_machine", "unknown_commit"),
)
KEPT = ("account_leases", "account_streams", "id_blocks")


@dataclass(frozen=True)
class Place:
    """A database of a store: its kind and URL."""

    kind: str
    url: str
    #: URLs of the other nodes of a cluster.
    more_urls: Sequence[str] = ()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file."""
        return self.kind == "sqlite"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize the tests with the kinds of database."""
    if "place" in metafunc.fixturenames:
        topic = metafunc.module.__name__.rpartition("test_")[2]
        kinds = (*KINDS, "galera") if topic in CONCURRENT else KINDS
        if topic == "cluster":
            kinds = ("galera",)
        metafunc.parametrize("place", kinds, indirect=True, scope="module")


@pytest.fixture(scope="module")
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Yield a migrated database of the requested kind for one module."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('store') / 'oms.sqlite3'}"
        asyncio.run(create_schema(url))
        yield Place("sqlite", url)
        return
    if request.param == "galera":
        yield from _on_cluster(request.getfixturevalue("galera"))
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    name = f"store_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    url = server.dsn(name, "aiomysql" if "aiomysql" in request.param else "asyncmy")
    asyncio.run(create_schema(url))
    yield Place(request.param, url)
    server.drop_database(name)


def _on_cluster(cluster: GaleraCluster) -> Iterator[Place]:
    name = f"store_{uuid.uuid4().hex[:12]}"
    first = cluster.nodes[0]
    first.create_database(name)
    urls = cluster.dsns(name)
    asyncio.run(create_schema(urls[0]))
    yield Place("galera", urls[0], urls[1:])
    first.drop_database(name)


Opener = Callable[[], Awaitable[SqlStore]]


@pytest.fixture
async def another(place: Place) -> AsyncIterator[Opener]:
    """Return an opener of the emptied database; each call is another process at the next node."""
    delete_rows(
        place.url,
        kept=KEPT,
        then=(
            "UPDATE account_streams SET head_seq = 0, lease_token = 0",
            "UPDATE account_leases SET owner = '', token = 0, expires_at = '1970-01-01 00:00:00'",
        ),
    )
    urls = itertools.cycle((place.url, *place.more_urls))
    async with AsyncExitStack() as stack:

        async def open_next() -> SqlStore:
            store = await SqlStore.open(next(urls), check_account)
            stack.push_async_callback(store.close)
            return store

        yield open_next


@pytest.fixture
async def store(another: Opener) -> SqlStore:
    """Return an open store with only the rows inserted by the migrations."""
    return await another()
