"""One suite for every exchange adapter: each test runs for each case that it applies to."""

from collections.abc import AsyncIterator, Iterator

import pytest

from kit.exchanges.conformance_cases import (
    CASES,
    ExchangeCase,
    LoopbackHarnesses,
    make_paper_harness,
)
from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.exchanges.port_harness import PortHarness
from oms.adapters.ccxt.client.market_cache import MarketCache


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> ExchangeCase:
    """All cases, unless the test parametrizes ``case``."""
    param = request.param
    assert isinstance(param, ExchangeCase)
    return param


@pytest.fixture(scope="session")
def venue() -> Iterator[LoopbackExchange]:
    """Yields a running loopback exchange."""
    with run_loopback() as running:
        yield running


@pytest.fixture(scope="session")
def loopback_harnesses(
    venue: LoopbackExchange, tmp_path_factory: pytest.TempPathFactory
) -> LoopbackHarnesses:
    """Returns a factory of harnesses on accounts of the loopback exchange."""
    return LoopbackHarnesses(venue, tmp_path_factory.mktemp("tables"), MarketCache())


@pytest.fixture
async def harness(case: ExchangeCase, request: pytest.FixtureRequest) -> AsyncIterator[PortHarness]:
    """Yields an account with balances for the case; the price is 60000."""
    if case.venue == "paper":
        created = make_paper_harness(case)
    else:
        harnesses: LoopbackHarnesses = request.getfixturevalue("loopback_harnesses")
        created = await harnesses.create(case)
    await created.set_prices("60000")
    await created.wait_until(created.exchange.is_ready, "ready")
    yield created
    await created.exchange.close()
