"""What is stored of series of candles, and what is missing, as JSON."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.market.ingestion_schedule import lag
from oms.ports.market.candle_query import CandleQuery, CoveragePage, GapSearch, StoredSeries
from oms.wire.json import optional_time_text, time_text
from oms.wire.market.candle_bodies import TimeframeText
from oms.wire.query_parameters import cursor_text
from oms.wire.responses.value_types import Count, TimeText

GAPS_MAX = 500
"""Gaps of one answer."""


class StoredSeriesRow(TypedDict):
    """A stored series."""

    exchange: str
    symbol: str
    timeframe: TimeframeText
    candles: Annotated[Count, Field(description="Closed ones.")]
    first: Annotated[TimeText, Field(description="When the first one opened.")]
    last: Annotated[TimeText, Field(description="When the last one opened.")]
    last_close: Annotated[TimeText, Field(description="When the last one closed.")]
    missing: Annotated[
        Count | None,
        Field(description="Candles between them that are not stored; null: not known."),
    ]
    lag_seconds: Annotated[float, Field(description="For how long closed candles are missing.")]


class CoverageBody(TypedDict):
    """Stored series, ascending by exchange, symbol and timeframe."""

    items: list[StoredSeriesRow]
    next_cursor: Annotated[str | None, Field(description="Of further instruments.")]


class CandleGapRow(TypedDict):
    """Missing candles: those that open from ``start`` to before ``end``."""

    start: TimeText
    end: TimeText
    candles: Count


class CandleGapsBody(TypedDict):
    """What is missing of a series."""

    exchange: str
    symbol: str
    timeframe: TimeframeText
    start: Annotated[TimeText | None, Field(description="Where the search began; null: no candle.")]
    end: TimeText | None
    missing: Annotated[Count, Field(description="Candles of all gaps.")]
    gaps: Annotated[Count, Field(description="All of them.")]
    items: Annotated[list[CandleGapRow], Field(description=f"The newest {GAPS_MAX}, ascending.")]


def coverage_body(page: CoveragePage, now: datetime) -> CoverageBody:
    """Return stored series."""
    return {
        "items": [_row(each, now) for each in page.items],
        "next_cursor": None if page.after is None else cursor_text(page.after),
    }


def _row(stored: StoredSeries, now: datetime) -> StoredSeriesRow:
    coverage, timeframe = stored.coverage, stored.coverage.series.timeframe
    behind = lag(timeframe, coverage.last, now)
    assert behind is not None, "a series has a last candle"
    return {
        "exchange": stored.instrument.exchange,
        "symbol": stored.instrument.symbol,
        "timeframe": timeframe.value,
        "candles": coverage.count,
        "first": time_text(coverage.first),
        "last": time_text(coverage.last),
        "last_close": time_text(timeframe.next_open(coverage.last)),
        "missing": stored.missing,
        "lag_seconds": behind.total_seconds(),
    }


def gaps_body(query: CandleQuery, found: GapSearch) -> CandleGapsBody:
    """Return what is missing of a series."""
    return {
        "exchange": query.exchange,
        "symbol": query.symbol,
        "timeframe": query.timeframe.value,
        "start": optional_time_text(found.start),
        "end": optional_time_text(found.end),
        "missing": sum(each.count for each in found.gaps),
        "gaps": len(found.gaps),
        "items": [
            {"start": time_text(each.start), "end": time_text(each.end), "candles": each.count}
            for each in found.gaps[-GAPS_MAX:]
        ],
    }
