"""Sources of moving prices: the random walk of the paper exchange, and recorded markets."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from loopback.exchange.venue import Venue
from oms.adapters.paper.market_data.tape_reader import read_tapes
from oms.domain.value import evolve
from oms.simulation.inputs import BookUpdate, CandleClosed, QuoteUpdate
from oms.simulation.market.random_walk import book_at, step_at


async def walk_prices(venue: Venue, interval_seconds: float) -> None:
    """Updates the book of every symbol from the random walk, forever."""
    while True:
        await asyncio.sleep(interval_seconds)
        now = venue.now()
        for symbol, instrument in venue.instruments.items():
            bids, asks = book_at(venue.seed, instrument, step_at(now))
            venue.update_market(BookUpdate(symbol=symbol, bids=bids, asks=asks, at=now))
        venue.tick()


async def replay_recording(venue: Venue, symbol: str, path: Path) -> None:
    """Replays a tape at its own speed, shifted to begin now. Raises ``Invalid`` if unreadable."""
    shift: timedelta | None = None
    for recorded in read_tapes([path], symbol):
        if shift is None:
            shift = venue.now() - recorded.at
        at: datetime = recorded.at + shift
        await asyncio.sleep(max((at - venue.now()).total_seconds(), 0))
        if isinstance(recorded, CandleClosed):
            close = recorded.close
            venue.update_market(QuoteUpdate(symbol=symbol, bid=close, ask=close, at=at))
        else:
            venue.update_market(evolve(recorded, at=at))
