"""A loopback exchange for the whole folder, and desks that trade at it with the real ccxt."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.ccxt_desk import Desk
from kit.loopback import Loopback, loopback
from oms.adapters.ccxt.client import ClientSpec, VenueClient


@pytest.fixture(scope="session")
def running() -> Iterator[Loopback]:
    with loopback() as lb:
        yield lb


@pytest.fixture
def venue(running: Loopback) -> Loopback:
    """The loopback exchange as it was when it began."""
    running.ctl("clear")
    running.ctl("reset")
    return running


@pytest.fixture
async def new_desk(venue: Loopback, tmp_path: Path) -> AsyncIterator[Callable[..., Desk]]:
    """Makes desks on account a; all are closed at the end."""
    desks: list[Desk] = []

    def make(**more: Any) -> Desk:
        spec = ClientSpec(
            account_id=1,
            venue="bybit",
            engine="ccxt",
            environment="loopback",
            api_key="loop-a",
            secret=venue.told["keys"]["loop-a"],
            extra_config=venue.told["extra_config"]["bybit"],
            cache_folder=tmp_path,
        )
        desk = Desk(make_client=lambda: VenueClient(spec), **more)
        desks.append(desk)
        return desk.begin()

    yield make
    for desk in desks:
        await desk.exchange.close()


@pytest.fixture
async def desk(new_desk: Callable[..., Desk]) -> Desk:
    """A desk that is ready."""
    return await new_desk().ready()
