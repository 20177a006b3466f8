"""Fixtures for all tests. They start real servers, on 127.0.0.1 only."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from kit.databases.galera import GaleraCluster
from kit.databases.mariadb import PrivateMariaDB
from kit.gateway.oms_process import FORK_SERVER

pytest_plugins = [
    "kit.byte_code",
    "kit.deadlines",
    "kit.failed_tests",
    "kit.file_order",
    "kit.recorded_data",
    "kit.statements.recorder",
    "kit.time_profile",
    "kit.transport_owners",
]

# Processes of ``oms`` need not import its modules each.
FORK_SERVER.is_allowed = True

# Modules and thousands of test items stay: the garbage collector need not search them repeatedly.
gc.set_threshold(50_000, 50, 50)

# Examples are the same in each run, so that results depend on the change only. For exploration,
# OMS_TEST_RANDOM draws random ones.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile("random" if os.environ.get("OMS_TEST_RANDOM") else "fixed")


def pytest_collection_finish() -> None:
    """Exclude modules and test items from garbage collection."""
    gc.freeze()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[PrivateMariaDB]:
    """A private MariaDB per pytest process; tests create their own databases in it."""
    with PrivateMariaDB() as server:
        yield server


@pytest.fixture(scope="session")
def galera() -> Iterator[GaleraCluster]:
    """A private Galera cluster of three nodes per pytest process."""
    with GaleraCluster(3) as cluster:
        yield cluster
