"""Gateways for end-to-end tests, each in its own folder, stopped after its test or module."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.gateway.processes import Gateway, run_gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """An API and a worker on SQLite, shared by the tests of a module."""
    with run_gateway(Gateway(tmp_path_factory.mktemp("gateway"), workers=1)) as running:
        yield running


@pytest.fixture(scope="module")
def supervised_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """``oms up`` on SQLite as a user starts it, shared by the tests of a module."""
    with run_gateway(Gateway(tmp_path_factory.mktemp("supervised"), is_forked=False)) as running:
        yield running


@pytest.fixture
def gateway_on(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Gateway]]:
    """Returns a function that starts a gateway on ``sqlite`` or ``mariadb``.

    It starts ``workers`` worker processes, or a supervised gateway without that argument; with
    ``starts=False`` the caller starts it.
    """
    started: list[Gateway] = []

    def make(database: str, *, starts: bool = True, **options: object) -> Gateway:
        if database == "mariadb":
            server: PrivateMariaDB = request.getfixturevalue("mariadb")
            name = f"oms_{secrets.token_hex(4)}"
            server.create_database(name)
            options |= {"mariadb": server, "dsn": server.dsn(name, driver="asyncmy")}
        running = Gateway(tmp_path / f"gateway-{len(started)}", **options)  # type: ignore[arg-type]
        started.append(running)
        if starts:
            running.start()
        return running

    yield make
    for running in started:
        running.stop()
