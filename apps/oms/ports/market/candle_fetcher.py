"""Candles and instruments of an exchange's public data."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.market.candle import Candle
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value


@value
class FetchedCandles:
    """What an exchange returned for one request; ``candles`` ascend, each time once."""

    candles: Sequence[Candle]
    #: Rows that are no valid candle.
    invalid: int = 0


class CandleFetcher(Protocol):
    """Reads public data of one exchange, within its rate limit."""

    def instruments(self) -> Sequence[MarketInstrument]:
        """Return what the exchange trades, with ids of 0."""
        ...

    async def fetch(
        self, symbol: str, timeframe: Timeframe, since: datetime, limit: int
    ) -> FetchedCandles:
        """Return candles that open from ``since`` on, the one that still forms included.

        Raises ``NotFound`` for an unknown symbol, ``Invalid`` for a timeframe that the exchange
        does not have, ``Unavailable``.
        """
        ...
