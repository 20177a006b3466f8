"""A whole office beside a loopback exchange, in one process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.loopback import Loopback
from kit.office import open_office
from kit.venue_house import VenueHouse


@pytest.fixture
async def house(venue: Loopback, tables: Path, tmp_path: Path) -> AsyncIterator[VenueHouse]:
    """Not furnished yet; closed in the end, worker and all."""
    async with open_office(f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}") as office:
        yield VenueHouse(office, venue, tables)
