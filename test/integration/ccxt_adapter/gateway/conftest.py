"""A whole gateway with a loopback exchange, in one process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.gateway.in_process import open_gateway
from oms.config import Settings


@pytest.fixture
def dsn(tmp_path: Path) -> str:
    """The URL of the gateway's database."""
    return f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"


@pytest.fixture
def gateway_settings() -> Settings:
    """The settings of the gateway; a test that needs others has a fixture of this name."""
    return Settings()


@pytest.fixture
async def exchange_setup(
    venue: LoopbackExchange, tables: Path, dsn: str, gateway_settings: Settings
) -> AsyncIterator[ExchangeSetup]:
    """A setup without an account yet; closed at the end, with its worker."""
    async with open_gateway(dsn, gateway_settings) as gateway:
        yield ExchangeSetup(gateway, venue, tables)
