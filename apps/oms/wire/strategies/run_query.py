"""Requests for the chart of a strategy, and its body."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.backtest.strategy_chart import Timeline
from oms.domain.errors import Invalid
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.strategies.description import StrategyDescription
from oms.wire import parameters as p
from oms.wire.json import NotJson, loads_sent
from oms.wire.market.candle_bodies import TimeframeText
from oms.wire.query_parameters import Query, malformed_parameter, read_timestamp
from oms.wire.responses.value_types import TimeText
from oms.wire.strategies.messages import encode_parameters, encode_time

LIMIT_DEFAULT = 500
_VARIANT = "variant"
_PARAMS_MAX = 64
ChartNumber = Annotated[float | None, Field(description="A JSON number, or null.")]


@value
class RunQuery:
    """A chart that is asked for."""

    exchange: str
    symbol: str
    view: Timeframe
    base: Timeframe | None
    start: datetime | None
    end: datetime | None
    limit: int
    timeline: Timeline
    params: Mapping[str, Any]

    def fields(self, description: StrategyDescription) -> Mapping[str, Any]:
        """Return what the runner is asked for. Raises ``Invalid``."""
        base = self.base or description.base or self.view
        description.refuse_timeframe(base)
        if not self.view.contains(base):
            raise Invalid(
                f"timeframe {self.view.value}: bars consist of candles of {base.value},"
                " on which the strategy runs"
            )
        return {
            "strategy": description.name,
            "exchange": self.exchange,
            "symbol": self.symbol,
            "view": self.view.value,
            "base": base.value,
            "start": None if self.start is None else encode_time(self.start),
            "end": None if self.end is None else encode_time(self.end),
            "limit": self.limit,
            "timeline": self.timeline.value,
            "params": encode_parameters(description.parse(self.params)),
        }


def read_run_query(query: Query) -> RunQuery:
    """Return the query of a chart. Raises ``Malformed``."""
    start, end = read_timestamp(query, p.START), read_timestamp(query, p.END)
    if start is not None and end is not None and start > end:
        raise malformed_parameter("start", "start is after end")
    base = query.get(p.RUN_BASE.name, "").strip()
    return RunQuery(
        exchange=_required(query, p.CANDLES_EXCHANGE),
        symbol=_required(query, p.CANDLES_SYMBOL),
        view=_timeframe(p.TIMEFRAME, _required(query, p.TIMEFRAME)),
        base=_timeframe(p.RUN_BASE, base) if base else None,
        start=start,
        end=end,
        limit=_limit(query),
        timeline=_timeline(query),
        params=_params(query),
    )


def _required(query: Query, parameter: p.Parameter) -> str:
    text = query.get(parameter.name, "").strip()
    if not text:
        raise malformed_parameter(parameter.name, f"{parameter.name} is required", "missing")
    return text


def _timeframe(parameter: p.Parameter, text: str) -> Timeframe:
    try:
        return Timeframe(text)
    except ValueError:
        message = f"one of {', '.join(Timeframe)} is expected"
        raise malformed_parameter(parameter.name, message, "enum") from None


def _timeline(query: Query) -> Timeline:
    text = query.get(p.RUN_TIMELINE.name, "").strip() or Timeline.VIEW.value
    try:
        return Timeline(text)
    except ValueError:
        message = f"one of {', '.join(Timeline)} is expected"
        raise malformed_parameter(p.RUN_TIMELINE.name, message, "enum") from None


def _limit(query: Query) -> int:
    text = query.get(p.CANDLES_LIMIT.name, "").strip()
    if not text:
        return LIMIT_DEFAULT
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= p.OPEN_ROWS_MAX:
        raise malformed_parameter("limit", f"limit is 1 to {p.OPEN_ROWS_MAX}")
    return int(text)


def _params(query: Query) -> Mapping[str, Any]:
    """Return the parameters of ``params``, and ``variant``."""
    text = query.get(p.RUN_PARAMS.name, "").strip()
    try:
        params = loads_sent(text) if text else {}
    except NotJson as error:
        raise malformed_parameter(p.RUN_PARAMS.name, str(error)) from None
    if not isinstance(params, dict) or len(params) > _PARAMS_MAX:
        message = "a JSON object of numbers by name is expected"
        raise malformed_parameter(p.RUN_PARAMS.name, message)
    for name, each in params.items():
        if isinstance(each, bool) or each is None or isinstance(each, list | dict):
            message = f"parameter {name[:64]}: a number is expected"
            raise malformed_parameter(p.RUN_PARAMS.name, message)
    variant = query.get(p.RUN_VARIANT.name, "").strip()
    return {**params, _VARIANT: variant} if variant else params


class RunGap(TypedDict):
    """Missing base candles, from ``start`` until before ``end``."""

    start: TimeText
    end: TimeText


class RunCandle(TypedDict):
    """A bar of the view."""

    time: TimeText
    open: ChartNumber
    high: ChartNumber
    low: ChartNumber
    close: ChartNumber
    volume: ChartNumber
    is_closed: bool


class RunPoint(TypedDict):
    """A line of the strategy at the close of a bar."""

    time: TimeText
    value: ChartNumber


class RunEntry(TypedDict):
    """A decision, or a level that was reached (reason sl or tp)."""

    time: Annotated[TimeText, Field(description="When the bar opened that shows it.")]
    source_time: Annotated[TimeText, Field(description="When its base candle opened.")]
    decision_time: Annotated[TimeText, Field(description="When its base candle closed.")]
    direction: str
    price: ChartNumber
    fill_time: TimeText | None
    fill_price: ChartNumber
    reason: str
    stop_loss: ChartNumber
    stop_gain: ChartNumber


class RunComparison(TypedDict):
    """What is compared in one timeframe."""

    price: ChartNumber
    indicator: ChartNumber
    condition_met: bool
    condition_long: bool
    condition_short: bool


class RunItem(TypedDict):
    """The conditions at the last base candle of a bar, whatever is held."""

    time: TimeText
    price: ChartNumber
    should_enter: bool
    should_enter_long: bool
    should_enter_short: bool
    should_exit_long: bool
    should_exit_short: bool
    breakdown: dict[str, RunComparison]


class RunBody(TypedDict):
    """The chart of a strategy."""

    exchange: str
    symbol: str
    timeframe: Annotated[TimeframeText, Field(description="Of the bars.")]
    base: Annotated[TimeframeText, Field(description="On which the strategy runs.")]
    strategy: str
    version: str
    params: dict[str, int | str]
    params_hash: str
    warmup_ok: Annotated[bool, Field(description="Whether the first bar has each indicator.")]
    data_gaps: list[RunGap]
    candles: list[RunCandle]
    sma200: Annotated[list[RunPoint], Field(description="Of hma_sma: the simple average.")]
    hma200: Annotated[
        dict[str, list[RunPoint]], Field(description="Of hma_sma: the Hull averages.")
    ]
    lines: Annotated[dict[str, list[RunPoint]], Field(description="All lines by name.")]
    entries: list[RunEntry]
    signal_timeline: list[RunItem]
    latest_signal: RunItem | None
