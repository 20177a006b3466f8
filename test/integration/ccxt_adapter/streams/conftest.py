"""Desks that trade at a loopback exchange and listen to its streams, through the real ccxt.pro."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import STREAM_TIMINGS, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient


@pytest.fixture
def venue(venue: LoopbackExchange) -> LoopbackExchange:
    """The exchange as it was when it began, and nobody waits for a budget of requests."""
    venue.control("limit", per_second=1000)
    return venue


@pytest.fixture
async def new_desk(
    venue: LoopbackExchange, tables: Path
) -> AsyncIterator[Callable[..., CcxtHarness]]:
    """Makes desks on account a; all are closed at the end."""
    desks: list[CcxtHarness] = []

    def make(dialect: str = "bybit", engine: str = "ccxtpro", **more: Any) -> CcxtHarness:
        name = dialect.removesuffix("_tls")
        spec = ClientSpec(
            account_id=1,
            venue=name,
            engine=engine,
            environment="loopback",
            api_key="loop-a",
            secret=venue.startup["keys"]["loop-a"],
            extra_config={**venue.startup["extra_config"][dialect], "rateLimit": 2},
            cache_folder=tables,
        )
        more = {"timings": STREAM_TIMINGS, **more}
        exchange_id = f"{engine}.{name}"
        desk = CcxtHarness(make_client=lambda: VenueClient(spec), exchange_id=exchange_id, **more)
        desks.append(desk)
        return desk.start()

    yield make
    for desk in desks:
        await desk.exchange.close()


@pytest.fixture
async def desk(new_desk: Callable[..., CcxtHarness]) -> CcxtHarness:
    """A desk that listens."""
    return await new_desk().wait_streaming()
