"""A source of candles by the hour that records what is requested."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from oms.domain.errors import Unavailable
from oms.domain.market.candle import Candle
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_fetcher import CandleFetcher, FetchedCandles

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class RecordedFetcher:
    """Serves candles by the hour since ``START``: a price by the number of the hour."""

    hours: dict[int, int]
    requests: list[int] = field(default_factory=list)
    #: Why requests fail.
    error: str | None = None
    #: Whether requests are never answered.
    hangs: bool = False

    def instruments(self) -> Sequence[MarketInstrument]:
        """Return nothing."""
        return ()

    async def fetch(
        self, symbol: str, timeframe: Timeframe, since: datetime, limit: int
    ) -> FetchedCandles:
        """Return the candles of at most ``limit`` hours."""
        first = int((since - START) / HOUR)
        self.requests.append(first)
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.error is not None:
            raise Unavailable(self.error, code="exchange_unavailable")
        found = [hour for hour in sorted(self.hours) if first <= hour < first + limit]
        return FetchedCandles(candles=[_candle(hour, self.hours[hour]) for hour in found])


@dataclass
class RecordedFetchers:
    """``ports.market.ingestion.CandleFetchers`` with one fetcher for each exchange."""

    fetchers: dict[str, RecordedFetcher]
    closed: int = 0

    async def open(self, exchange: str) -> CandleFetcher:
        """Return the fetcher of an exchange."""
        return self.fetchers[exchange]

    async def close(self) -> None:
        """Count the call."""
        self.closed += 1


def _candle(hour: int, price: int) -> Candle:
    at, number = START + hour * HOUR, Decimal(price)
    return Candle(open_time=at, open=number, high=number, low=number, close=number, volume=None)
