"""The chart of a strategy as JSON; numbers of a chart are numbers, finite or null."""

from collections.abc import Iterable
from decimal import Decimal
from math import isfinite
from typing import Any

from oms.backtest.strategy_chart import Chart, ChartBar, ChartEntry, ChartItem
from oms.strategies.strategy import Comparison
from oms.wire.backtests.result_json import time_text

_HULLS = ("1h", "4h")


def chart_json(chart: Chart) -> dict[str, Any]:
    """Return the fields of a chart."""
    timeline = [_item(each) for each in chart.timeline]
    return {
        "warmup_ok": chart.warmup_ok,
        "data_gaps": [
            {"start": time_text(gap.start), "end": time_text(gap.end)} for gap in chart.data_gaps
        ],
        "candles": [_bar(each) for each in chart.bars],
        "sma200": _line(chart.bars, "sma"),
        "hma200": {name: _line(chart.bars, f"hma_{name}") for name in _HULLS},
        "lines": {name: _line(chart.bars, name) for name in _names(chart.bars)},
        "entries": [_entry(each) for each in chart.entries],
        "signal_timeline": timeline,
        "latest_signal": timeline[-1] if timeline else None,
    }


def _names(bars: Iterable[ChartBar]) -> list[str]:
    """Return the names of all lines, in their order."""
    return list(dict.fromkeys(name for bar in bars for name in bar.state.lines))


def _bar(bar: ChartBar) -> dict[str, Any]:
    candle = bar.candle
    return {
        "time": time_text(candle.open_time),
        "open": _number(candle.open),
        "high": _number(candle.high),
        "low": _number(candle.low),
        "close": _number(candle.close),
        "volume": _number(candle.volume),
        "is_closed": bar.is_closed,
    }


def _line(bars: Iterable[ChartBar], name: str) -> list[dict[str, Any]]:
    return [
        {"time": time_text(bar.candle.open_time), "value": _number(bar.state.lines[name])}
        for bar in bars
        if name in bar.state.lines
    ]


def _entry(entry: ChartEntry) -> dict[str, Any]:
    return {
        "time": time_text(entry.time),
        "source_time": time_text(entry.source_time),
        "decision_time": time_text(entry.decision_time),
        "direction": entry.direction.value,
        "price": _number(entry.price),
        "fill_time": time_text(entry.fill_time),
        "fill_price": _number(entry.fill_price),
        "reason": entry.reason.value,
        "stop_loss": _number(entry.stop_loss),
        "stop_gain": _number(entry.stop_gain),
    }


def _item(item: ChartItem) -> dict[str, Any]:
    state = item.state
    return {
        "time": time_text(item.time),
        "price": _number(item.price),
        "should_enter": state.enters_long or state.enters_short,
        "should_enter_long": state.enters_long,
        "should_enter_short": state.enters_short,
        "should_exit_long": state.leaves_long,
        "should_exit_short": state.leaves_short,
        "breakdown": {
            timeframe.value: _comparison(each) for timeframe, each in state.comparisons.items()
        },
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "price": _number(comparison.price),
        "indicator": _number(comparison.indicator),
        "condition_met": comparison.is_long or comparison.is_short,
        "condition_long": comparison.is_long,
        "condition_short": comparison.is_short,
    }


def _number(number: Decimal | None) -> float | None:
    """Return the nearest double; ``None`` where there is none that is finite."""
    if number is None:
        return None
    double = float(number)
    return double if isfinite(double) else None
