"""Prices that move by themselves: the walk of the paper exchange, at the venue's time."""

import asyncio

from loopback.exchange.venue import Venue
from oms.simulation.inputs import BookUpdate
from oms.simulation.market.random_walk import book_at, step_at


async def walk_prices(venue: Venue, pause_seconds: float) -> None:
    """Show every symbol's next book again and again."""
    while True:
        await asyncio.sleep(pause_seconds)
        now = venue.now()
        for symbol, instrument in venue.instruments.items():
            bids, asks = book_at(venue.seed, instrument, step_at(now))
            venue.see(BookUpdate(symbol=symbol, bids=bids, asks=asks, at=now))
        venue.tick()
