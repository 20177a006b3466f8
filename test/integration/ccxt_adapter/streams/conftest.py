"""Harnesses that trade at a loopback exchange with its streams, through the real ccxt.pro."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import STREAM_TIMINGS, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient


@pytest.fixture
def venue(venue: LoopbackExchange) -> LoopbackExchange:
    """The exchange in its initial state, with rate limits high enough that no request waits."""
    venue.control("limit", per_second=1000)
    return venue


@pytest.fixture
async def new_harness(
    venue: LoopbackExchange, tables: Path
) -> AsyncIterator[Callable[..., CcxtHarness]]:
    """Makes harnesses on account a; all are closed at the end."""
    harnesses: list[CcxtHarness] = []

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
        harness = CcxtHarness(
            make_client=lambda: VenueClient(spec), exchange_id=exchange_id, **more
        )
        harnesses.append(harness)
        return harness.start()

    yield make
    for harness in harnesses:
        await harness.exchange.close()


@pytest.fixture
async def harness(new_harness: Callable[..., CcxtHarness]) -> CcxtHarness:
    """A harness with connected streams."""
    return await new_harness().wait_streaming()
