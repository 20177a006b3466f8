"""Harnesses that trade at a loopback exchange of their own, through the real ccxt."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kit.exchanges.ccxt_harness import CcxtHarness, open_loopback_harnesses
from kit.exchanges.loopback_process import LoopbackExchange


@pytest.fixture
async def new_harness(
    venue: LoopbackExchange, tables: Path
) -> AsyncIterator[Callable[..., CcxtHarness]]:
    """Makes harnesses on account a; all are closed at the end."""
    async with open_loopback_harnesses(venue, tables) as start:
        yield start


@pytest.fixture
async def harness(new_harness: Callable[..., CcxtHarness]) -> CcxtHarness:
    """A harness that is ready."""
    return await new_harness().wait_ready()
