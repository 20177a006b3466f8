"""One gateway for all tests of ``mt5_driver`` in a pytest process, and connections to it."""

from collections.abc import Callable, Iterator

import pytest

import mt5_driver as mt5
from kit.databases.sql import dsn_of
from kit.gateway.metatrader import PRICE, MetaTraderGateway, run_metatrader_gateway

Connect = Callable[[str], MetaTraderGateway]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MetaTraderGateway]:
    """The gateway."""
    dsn = dsn_of(tmp_path_factory.mktemp("metatrader") / "oms.sqlite3")
    with run_metatrader_gateway(dsn) as gateway:
        yield gateway


@pytest.fixture
def connect(running: MetaTraderGateway, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Returns a function that connects the driver to an account, which is flat then."""

    def to(account: str) -> MetaTraderGateway:
        if not account.startswith("walk"):
            running.set_price(account, PRICE)
        running.flatten(account)
        for name, value in running.environment(account).items():
            monkeypatch.setenv(name, value)
        assert mt5.initialize(), mt5.last_error()
        return running

    return to
