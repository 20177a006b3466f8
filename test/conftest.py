"""Fixtures that every folder of tests may ask for. They start real servers, on 127.0.0.1 only."""

from collections.abc import Iterator

import pytest

from kit.galera import GaleraCluster
from kit.mariadb import PrivateMariaDB

pytest_plugins = ["kit.recorded"]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[PrivateMariaDB]:
    """A private MariaDB for one pytest process; a test makes its own database in it."""
    with PrivateMariaDB() as server:
        yield server


@pytest.fixture(scope="session")
def galera() -> Iterator[GaleraCluster]:
    """A private Galera cluster of three nodes for one pytest process."""
    with GaleraCluster(3) as cluster:
        yield cluster
