"""One suite for every exchange: each test is held on each floor that its rule is about."""

from collections.abc import AsyncIterator, Iterator

import pytest

from kit.loopback import Loopback, loopback
from kit.port_desk import PortDesk
from kit.port_floors import FLOORS, Floor, LoopbackDesks, paper_desk
from oms.adapters.ccxt.markets import MarketShelf


@pytest.fixture(params=FLOORS, ids=str)
def floor(request: pytest.FixtureRequest) -> Floor:
    """Everywhere, unless the test names its floors."""
    found = request.param
    assert isinstance(found, Floor)
    return found


@pytest.fixture(scope="package")
def venue() -> Iterator[Loopback]:
    """The loopback exchange, running."""
    with loopback() as running:
        yield running


@pytest.fixture(scope="package")
def loopback_desks(venue: Loopback, tmp_path_factory: pytest.TempPathFactory) -> LoopbackDesks:
    """Makes desks there."""
    return LoopbackDesks(venue, tmp_path_factory.mktemp("tables"), MarketShelf())


@pytest.fixture
async def desk(floor: Floor, request: pytest.FixtureRequest) -> AsyncIterator[PortDesk]:
    """An account with money on the floor; the price is 60000."""
    if floor.venue == "paper":
        made = paper_desk(floor)
    else:
        desks: LoopbackDesks = request.getfixturevalue("loopback_desks")
        made = await desks.desk(floor)
    await made.shows("60000")
    await made.until(made.exchange.is_ready, "ready")
    yield made
    await made.exchange.close()
