"""A whole office beside a loopback exchange, in one process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kit.loopback import Loopback, loopback
from kit.office import open_office
from kit.venue_house import VenueHouse


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with loopback() as lb:
        yield lb


@pytest.fixture
def venue(running: Loopback) -> Loopback:
    """The exchange as it was when it began."""
    running.ctl("clear")
    running.ctl("reset")
    return running


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tables of markets are kept."""
    return tmp_path_factory.mktemp("tables")


@pytest.fixture
async def house(venue: Loopback, tables: Path, tmp_path: Path) -> AsyncIterator[VenueHouse]:
    """Not furnished yet; closed in the end, worker and all."""
    async with open_office(f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}") as office:
        yield VenueHouse(office, venue, tables)
