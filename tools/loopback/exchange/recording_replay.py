"""Recorded markets played at their own pace, as if the recording had begun with the process."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from loopback.exchange.venue import Venue
from oms.adapters.paper.market_data.tape_reader import read_tapes
from oms.domain.value import evolve
from oms.simulation.inputs import CandleClosed, QuoteUpdate


async def replay_recording(venue: Venue, symbol: str, path: Path) -> None:
    """Show a tape's market until its end. Raises ``Invalid`` where it cannot be read."""
    begins: datetime | None = None
    shift = timedelta(0)
    for seen in read_tapes([path], symbol):
        if begins is None:
            begins, shift = seen.at, venue.now() - seen.at
        at = seen.at + shift
        await asyncio.sleep(max((at - venue.now()).total_seconds(), 0))
        if isinstance(seen, CandleClosed):
            close = seen.close
            venue.see(QuoteUpdate(symbol=symbol, bid=close, ask=close, at=at))
        else:
            venue.see(evolve(seen, at=at))
