"""Harnesses that trade at a loopback exchange of their own, through the real ccxt."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient


@pytest.fixture
async def new_harness(
    venue: LoopbackExchange, tables: Path
) -> AsyncIterator[Callable[..., CcxtHarness]]:
    """Makes harnesses on account a; all are closed at the end."""
    harnesses: list[CcxtHarness] = []

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
    """A harness that is ready."""
    return await new_harness().wait_ready()
