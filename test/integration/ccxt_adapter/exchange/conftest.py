"""Desks that trade at a loopback exchange of their own, through the real ccxt."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient


@pytest.fixture
async def new_desk(
    venue: LoopbackExchange, tables: Path
) -> AsyncIterator[Callable[..., CcxtHarness]]:
    """Makes desks on account a; all are closed at the end."""
    desks: list[CcxtHarness] = []

    def make(key: str = "loop-a", dialect: str = "bybit", **more: Any) -> CcxtHarness:
        spec = ClientSpec(
            account_id=1,
            venue=dialect,
            engine="ccxt",
            environment="loopback",
            api_key=key,
            secret=more.pop("secret", venue.startup["keys"].get(key)),
            extra_config=venue.startup["extra_config"][dialect] | more.pop("extra", {}),
            cache_folder=tables,
        )
        exchange_id = f"ccxt.{dialect}"
        desk = CcxtHarness(make_client=lambda: VenueClient(spec), exchange_id=exchange_id, **more)
        desks.append(desk)
        return desk.start()

    yield make
    for desk in desks:
        await desk.exchange.close()


@pytest.fixture
async def desk(new_desk: Callable[..., CcxtHarness]) -> CcxtHarness:
    """A desk that is ready."""
    return await new_desk().wait_ready()
