"""Requests for candles, and their rows as JSON."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.market.candle_rows import CandleRow
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import decimal_text
from oms.ports.market.candle_query import CandlePage, CandleQuery
from oms.wire import parameters as p
from oms.wire.json import optional_decimal_text, time_text
from oms.wire.query_parameters import (
    Query,
    cursor_text,
    is_true,
    malformed_parameter,
    read_cursor,
    read_timestamp,
)
from oms.wire.responses.value_types import DecimalText, TimeText, one_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LIMIT_DEFAULT = 500

TimeframeText = Annotated[str, one_of(*(each.value for each in Timeframe))]


class CandleBody(TypedDict):
    """A candle."""

    time: Annotated[TimeText, Field(description="When it opened.")]
    open: DecimalText
    high: DecimalText
    low: DecimalText
    close: DecimalText
    volume: Annotated[DecimalText | None, Field(description="Null where its source has none.")]
    is_closed: bool


class CandlesBody(TypedDict):
    """A page of candles, ascending."""

    exchange: str
    symbol: str
    timeframe: TimeframeText
    items: list[CandleBody]
    next_cursor: Annotated[str | None, Field(description="Of older candles; null: there are none.")]


def read_candle_query(query: Query) -> CandleQuery:
    """Return the query of candles. Raises ``Malformed``."""
    start, end = _read_range(query)
    older_than = read_cursor(query)
    if older_than:
        before = _EPOCH + older_than * _MILLISECOND
        end = before if end is None else min(end, before)
    return CandleQuery(
        exchange=_required(query, p.CANDLES_EXCHANGE),
        symbol=_required(query, p.CANDLES_SYMBOL),
        timeframe=_timeframe(query),
        start=start,
        end=end,
        limit=_limit(query),
        include_open=is_true(query, p.INCLUDE_OPEN) and not older_than,
    )


def read_gap_query(query: Query) -> CandleQuery:
    """Return the series and the range of a search for gaps. Raises ``Malformed``."""
    start, end = _read_range(query)
    return CandleQuery(
        exchange=_required(query, p.CANDLES_EXCHANGE),
        symbol=_required(query, p.CANDLES_SYMBOL),
        timeframe=_timeframe(query),
        start=start,
        end=end,
        limit=_LIMIT_DEFAULT,
    )


def _read_range(query: Query) -> tuple[datetime | None, datetime | None]:
    start, end = read_timestamp(query, p.START), read_timestamp(query, p.END)
    if start is not None and end is not None and start > end:
        raise malformed_parameter("start", "start is after end")
    return start, end


def candles_body(query: CandleQuery, found: CandlePage) -> CandlesBody:
    """Return a page of candles; numbers are decimal text."""
    cursor = found.older_than
    return {
        "exchange": query.exchange,
        "symbol": query.symbol,
        "timeframe": query.timeframe.value,
        "items": _items(found.rows),
        "next_cursor": None if cursor is None else cursor_text((cursor - _EPOCH) // _MILLISECOND),
    }


def _items(rows: Sequence[CandleRow]) -> list[CandleBody]:
    return [
        {
            "time": time_text(row.candle.open_time),
            "open": decimal_text(row.candle.open),
            "high": decimal_text(row.candle.high),
            "low": decimal_text(row.candle.low),
            "close": decimal_text(row.candle.close),
            "volume": optional_decimal_text(row.candle.volume),
            "is_closed": row.is_closed,
        }
        for row in rows
    ]


def _required(query: Query, parameter: p.Parameter) -> str:
    text = query.get(parameter.name, "").strip()
    if not text:
        raise malformed_parameter(parameter.name, f"{parameter.name} is required", "missing")
    return text


def _timeframe(query: Query) -> Timeframe:
    text = _required(query, p.TIMEFRAME)
    try:
        return Timeframe(text)
    except ValueError:
        message = f"one of {', '.join(Timeframe)} is expected"
        raise malformed_parameter(p.TIMEFRAME.name, message, "enum") from None


def _limit(query: Query) -> int:
    text = query.get(p.CANDLES_LIMIT.name, "").strip()
    if not text:
        return _LIMIT_DEFAULT
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= p.OPEN_ROWS_MAX:
        raise malformed_parameter("limit", f"limit is 1 to {p.OPEN_ROWS_MAX}")
    return int(text)
