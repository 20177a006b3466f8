"""A trader at manual prices without fees, on SQLite and on MariaDB."""

from collections.abc import AsyncIterator, Iterator

import pytest

from kit.databases.created import created_database
from kit.databases.emptied import empty_database
from kit.gateway.in_process import TRADER, open_gateway
from kit.gateway.paper_trader import NO_FEES, PaperTrader
from oms.config import Settings

KEY = "oms_a-stops-trader-for-tests"


@pytest.fixture(params=["sqlite", "mariadb"], scope="module")
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for one module."""
    yield from created_database(request, tmp_path_factory.mktemp("stops"))


@pytest.fixture
def extra() -> str:
    """Further settings of the account."""
    return ""


@pytest.fixture
def account() -> str:
    """The configuration of the account, with a place for ``extra``."""
    return NO_FEES


@pytest.fixture
def position_mode() -> str:
    """The position mode of the account."""
    return "hedge"


@pytest.fixture
async def trader(
    dsn: str, extra: str, account: str, position_mode: str
) -> AsyncIterator[PaperTrader]:
    """A trader with a running worker and a price of 100."""
    empty_database(dsn)
    settings = Settings.model_validate(
        {"access_cache_seconds": 0, "paper_tick_ms": 20, "commands": {"max_queue_s": 3600}}
    )
    async with open_gateway(dsn, settings) as gateway:
        account_id = await gateway.add_account(position_mode, account % extra)
        await gateway.add_key("stops", KEY, grants={account_id: TRADER})
        trader = PaperTrader(gateway, account_id, KEY)
        trader.start()
        await trader.price("100")
        yield trader
