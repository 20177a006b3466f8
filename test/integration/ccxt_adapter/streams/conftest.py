"""Desks that trade at a loopback exchange and listen to its streams, through the real ccxt.pro."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kit.ccxt_desk import STREAMED, Desk
from kit.loopback import Loopback
from oms.adapters.ccxt.client import ClientSpec, VenueClient


@pytest.fixture
def venue(venue: Loopback) -> Loopback:
    """The exchange as it was when it began, and nobody waits for a budget of requests."""
    venue.ctl("limit", per_second=1000)
    return venue


@pytest.fixture
async def new_desk(venue: Loopback, tables: Path) -> AsyncIterator[Callable[..., Desk]]:
    """Makes desks on account a; all are closed at the end."""
    desks: list[Desk] = []

    def make(dialect: str = "bybit", engine: str = "ccxtpro", **more: Any) -> Desk:
        name = dialect.removesuffix("_tls")
        spec = ClientSpec(
            account_id=1,
            venue=name,
            engine=engine,
            environment="loopback",
            api_key="loop-a",
            secret=venue.told["keys"]["loop-a"],
            extra_config={**venue.told["extra_config"][dialect], "rateLimit": 2},
            cache_folder=tables,
        )
        more = {"pace": STREAMED, **more}
        exchange_id = f"{engine}.{name}"
        desk = Desk(make_client=lambda: VenueClient(spec), exchange_id=exchange_id, **more)
        desks.append(desk)
        return desk.begin()

    yield make
    for desk in desks:
        await desk.exchange.close()


@pytest.fixture
async def desk(new_desk: Callable[..., Desk]) -> Desk:
    """A desk that listens."""
    return await new_desk().listening()
