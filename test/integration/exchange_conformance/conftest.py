"""One suite for every exchange: each test is held on each floor that its rule is about."""

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
def floor(request: pytest.FixtureRequest) -> ExchangeCase:
    """Everywhere, unless the test names its floors."""
    found = request.param
    assert isinstance(found, ExchangeCase)
    return found


@pytest.fixture(scope="package")
def venue() -> Iterator[LoopbackExchange]:
    """The loopback exchange, running."""
    with run_loopback() as running:
        yield running


@pytest.fixture(scope="package")
def loopback_desks(
    venue: LoopbackExchange, tmp_path_factory: pytest.TempPathFactory
) -> LoopbackHarnesses:
    """Makes desks there."""
    return LoopbackHarnesses(venue, tmp_path_factory.mktemp("tables"), MarketCache())


@pytest.fixture
async def desk(floor: ExchangeCase, request: pytest.FixtureRequest) -> AsyncIterator[PortHarness]:
    """An account with money on the floor; the price is 60000."""
    if floor.venue == "paper":
        made = make_paper_harness(floor)
    else:
        desks: LoopbackHarnesses = request.getfixturevalue("loopback_desks")
        made = await desks.desk(floor)
    await made.set_prices("60000")
    await made.wait_until(made.exchange.is_ready, "ready")
    yield made
    await made.exchange.close()
