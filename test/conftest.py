"""Fixtures that every folder of tests may ask for. They start real servers, on 127.0.0.1 only."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from kit.databases.galera import GaleraCluster
from kit.databases.mariadb import PrivateMariaDB

pytest_plugins = ["kit.recorded_data"]

# Examples are drawn alike each time: a change is judged by what it changed. To explore, others.
settings.register_profile("alike", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile("random" if os.environ.get("OMS_TEST_RANDOM") else "alike")


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
