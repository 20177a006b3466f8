"""A page of stored candles: what is requested, and what is found."""

from collections.abc import Sequence
from datetime import datetime

from oms.domain.market.candle_rows import CandleRow
from oms.domain.market.data_gaps import CandleGap
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.market.candle_store import SeriesCoverage


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


@value
class StoredSeries:
    """What is stored of a series; ``missing`` candles lie between the first and the last one."""

    instrument: MarketInstrument
    coverage: SeriesCoverage
    #: ``None``: the market is not always open, so what it lacks is not known.
    missing: int | None


@value
class CoveragePage:
    """Stored series of some instruments; ``after`` is set if there are further instruments."""

    items: Sequence[StoredSeries]
    after: int | None = None


@value
class GapSearch:
    """Where candles are searched for, and what is missing there; ``None``: no candle is stored."""

    start: datetime | None
    end: datetime | None
    gaps: Sequence[CandleGap]
