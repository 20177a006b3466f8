"""A page of stored candles: what is requested, and what is found."""

from collections.abc import Sequence
from datetime import datetime

from oms.domain.market.candle_rows import CandleRow
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value


@value
class CandleQuery:
    """Which candles are read: the newest ``limit`` that open in [start, end)."""

    exchange: str
    symbol: str
    timeframe: Timeframe
    start: datetime | None
    end: datetime | None
    limit: int
    #: Also the candle that still forms, if it is stored.
    include_open: bool = False


@value
class CandlePage:
    """Candles, ascending; ``older_than`` is set if there are more before the first."""

    rows: Sequence[CandleRow]
    older_than: datetime | None = None
