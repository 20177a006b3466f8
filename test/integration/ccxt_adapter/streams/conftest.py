"""Harnesses that trade at a loopback exchange with its streams, through the real ccxt.pro."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import STREAM_TIMINGS, CcxtHarness, open_loopback_harnesses
from kit.exchanges.loopback_process import LoopbackExchange


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
    async with open_loopback_harnesses(venue, tables) as start:

        def start_streaming(dialect: str = "bybit", **more: Any) -> CcxtHarness:
            defaults = {"engine": "ccxtpro", "timings": STREAM_TIMINGS, "extra": {"rateLimit": 2}}
            return start(dialect, **(defaults | more))

        yield start_streaming


@pytest.fixture
async def harness(new_harness: Callable[..., CcxtHarness]) -> CcxtHarness:
    """A harness with connected streams."""
    return await new_harness().wait_streaming()
