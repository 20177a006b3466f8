"""A whole office beside a loopback exchange, in one process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.gateway.in_process import open_gateway


@pytest.fixture
async def house(
    venue: LoopbackExchange, tables: Path, tmp_path: Path
) -> AsyncIterator[ExchangeSetup]:
    """Not furnished yet; closed in the end, worker and all."""
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}") as gateway:
        yield ExchangeSetup(gateway, venue, tables)
