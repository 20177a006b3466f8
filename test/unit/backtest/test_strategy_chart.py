"""Charts of strategies: entries, projection, independence of the range, missing candles."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.backtests.golden_chart import GOLDEN, candles_of_closes, golden_candles
from oms.backtest.strategy_chart import Chart, ChartRange, StrategyChart, Timeline
from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.strategies.catalog import find_strategy
from oms.wire.strategies.chart_json import chart_json


def _chart(
    candles: Sequence[Candle],
    view: str = "5m",
    limit: int = 500,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    timeline: Timeline = Timeline.VIEW,
    **parameters: int,
) -> Chart:
    definition = find_strategy("hma_sma")
    strategy = definition.make(Timeframe.MINUTES_5, definition.parse(parameters))
    shown = ChartRange(view=Timeframe(view), start=start, end=end, limit=limit, timeline=timeline)
    chart = StrategyChart(strategy, Timeframe.MINUTES_5, definition.higher, shown)
    for candle in candles:
        chart.push(candle)
    return chart.result()


def _rows(chart: Chart) -> list[tuple[Any, ...]]:
    names = ("source_time", "direction", "price", "decision_time", "fill_price")
    return [tuple(each[name] for name in names) for each in chart_json(chart)["entries"]]


@pytest.fixture(scope="module")
def golden() -> list[Candle]:
    candles = golden_candles()
    assert len(candles) == 13_116
    return candles


@pytest.mark.parametrize(
    ("view", "limit", "times"),
    [
        ("5m", 1000, ["10:05", "12:05", "12:10"]),
        ("1h", 100, ["10:00", "12:00", "12:00"]),
        ("4h", 10, ["08:00", "12:00", "12:00"]),
    ],
)
def test_the_golden_candles_have_three_entries_in_each_view(
    golden: list[Candle], view: str, limit: int, times: list[str]
) -> None:
    chart = _chart(golden, view, limit)
    assert tuple(_rows(chart)) == GOLDEN
    assert [f"{each.time:%H:%M}" for each in chart.entries] == times
    assert chart.warmup_ok
    assert len(chart.bars) == limit
    assert chart.bars[-1].is_closed is (view != "4h")
    assert all(each.fill_time and each.fill_time > each.source_time for each in chart.entries)


def test_a_line_is_sampled_with_what_was_known_at_the_close_of_its_bar(
    golden: list[Candle],
) -> None:
    body = chart_json(_chart(golden, "1h", 5))
    hours = {each["time"][11:13]: each["value"] for each in body["hma200"]["1h"]}
    closes = {each["time"][11:13]: each["close"] for each in body["candles"]}
    # The candle of 10 hours closes at 200 and is used at 11:00, the last candle of that bar.
    assert closes == {"08": 100.0, "09": 100.0, "10": 200.0, "11": 200.0, "12": 90.0}
    assert hours["09"] == 100.0
    assert hours["10"] > 100.0
    fours = [each["value"] for each in body["hma200"]["4h"]]
    assert fours[:3] == [100.0, 100.0, 100.0]  # the candle of 08:00 closes at 12:00
    assert fours[3] > 100.0
    sma = {each["time"][11:13]: each["value"] for each in body["sma200"]}
    assert (sma["09"], sma["12"]) == (100.0, 105.9005)


def test_the_timeline_has_the_state_at_each_close(golden: list[Candle]) -> None:
    start = datetime(2024, 2, 15, 10, tzinfo=UTC)
    body = chart_json(_chart(golden, start=start, end=start + timedelta(minutes=15)))
    before, at, _ = body["signal_timeline"]
    assert (before["time"], before["should_enter"]) == ("2024-02-15T10:00:00Z", False)
    assert (at["time"], at["should_enter_long"], at["should_enter_short"]) == (
        "2024-02-15T10:05:00Z",
        True,
        False,
    )
    assert at["breakdown"]["5m"] == {
        "price": 100.01,
        "indicator": 100.00005,
        "condition_met": True,
        "condition_long": True,
        "condition_short": False,
    }
    assert at["breakdown"]["4h"]["indicator"] == 100.0
    assert body["latest_signal"] == body["signal_timeline"][-1]
    hours = _chart(golden[:100], "1h", 2, timeline=Timeline.BASE)
    assert len(hours.timeline) == 16  # 100 candles are 8 hours and a part of the ninth
    none = chart_json(_chart(golden[:100], timeline=Timeline.NONE))
    assert (none["signal_timeline"], none["latest_signal"]) == ([], None)


def test_a_decision_of_the_last_candle_has_no_fill(golden: list[Candle]) -> None:
    end = datetime(2024, 2, 15, 10, 10, tzinfo=UTC)
    (entry,) = _chart(golden, end=end).entries
    assert (entry.fill_time, entry.fill_price, entry.price) == (None, None, Decimal("100.01"))


def test_entries_outside_the_bars_are_left_out(golden: list[Candle]) -> None:
    start = datetime(2024, 2, 15, 12, 10, tzinfo=UTC)
    assert _rows(_chart(golden, start=start)) == [GOLDEN[2]]
    assert _rows(_chart(golden, end=datetime(2024, 2, 15, 10, 5, tzinfo=UTC))) == []


@pytest.mark.parametrize("count", [0, 1, 300])
def test_too_little_data_is_no_warm_chart(golden: list[Candle], count: int) -> None:
    body = chart_json(_chart(golden[:count]))
    assert body["warmup_ok"] is False
    assert (len(body["candles"]), body["entries"]) == (count, [])
    assert all(each["value"] is None for each in body["hma200"]["4h"])


def test_a_gap_is_listed_and_ends_its_bar(golden: list[Candle]) -> None:
    candles = [*golden[-40:-20], *golden[-14:]]
    chart = _chart(candles, "1h")
    (gap,) = chart.data_gaps
    assert (gap.start, gap.end) == (golden[-20].open_time, golden[-14].open_time)
    assert len(chart.bars) == 4


def test_bars_consist_of_base_candles() -> None:
    with pytest.raises(Invalid, match="timeframe 1m: bars consist of candles of 5m"):
        _chart([], "1m")


def test_a_timeline_of_each_base_candle_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oms.backtest.strategy_chart.BASE_ITEMS_MAX", 30)
    candles = candles_of_closes([Decimal(100)] * 60)
    assert len(_chart(candles, "1h", 2, timeline=Timeline.BASE).timeline) == 24
    with pytest.raises(Invalid, match="timeline=base has 60 items; at most 30"):
        _chart(candles, "1h", 5, timeline=Timeline.BASE)


def test_levels_of_a_decision_act() -> None:
    """T5: variant 3 places its levels; without volume there is no entry."""
    closes = [Decimal(100) - Decimal(number % 3) / 10 for number in range(300)]
    closes += [Decimal(100) + Decimal(number) / 2 for number in range(200)]
    closes += [Decimal(90)] * 20
    candles = candles_of_closes(closes, Decimal(1))
    rising = [
        Candle(
            open_time=each.open_time,
            open=each.open,
            high=each.high,
            low=each.low,
            close=each.close,
            volume=Decimal(number + 1),
        )
        for number, each in enumerate(candles)
    ]
    found = _chart(rising, limit=600, variant=3, length=2, atr_pct_max=50)
    entry = next(each for each in found.entries if each.direction.value == "long")
    assert entry.stop_loss and entry.stop_gain and entry.stop_loss < entry.price < entry.stop_gain
    levels = [each for each in found.entries if each.reason.value in ("sl", "tp")]
    assert levels
    for level in levels:
        assert level.price == level.fill_price
        assert level.fill_time == level.decision_time
    without = [
        Candle(
            open_time=each.open_time,
            open=each.open,
            high=each.high,
            low=each.low,
            close=each.close,
            volume=None,
        )
        for each in rising
    ]
    assert _chart(without, limit=600, variant=3, length=2, atr_pct_max=50).entries == []


_MOVES = st.lists(st.integers(-30, 30), min_size=200, max_size=400)


@settings(max_examples=15, deadline=None)
@given(_MOVES, st.sampled_from([1, 2]))
def test_entries_do_not_depend_on_what_is_shown(moves: list[int], variant: int) -> None:
    """T2, and the prefix property: later candles change no earlier entry."""
    price, closes = 1000, []
    for move in moves:
        price = max(price + move, 500)
        closes.append(Decimal(price) / 10)
    candles = candles_of_closes(closes)
    whole = _chart(candles, limit=5000, variant=variant, length=4)
    for view, limit in (("5m", 50), ("15m", 20), ("1h", 9), ("4h", 2)):
        chart = _chart(candles, view, limit, variant=variant, length=4)
        first = chart.bars[0].candle.open_time
        expected = [row for row in whole.entries if row.source_time >= first]
        assert [(e.source_time, e.direction, e.fill_price) for e in chart.entries] == [
            (e.source_time, e.direction, e.fill_price) for e in expected
        ]
        start = chart.bars[len(chart.bars) // 2].candle.open_time
        later = _chart(candles, view, 5000, start=start, variant=variant, length=4)
        assert _rows(later) == [
            row for row, e in zip(_rows(chart), chart.entries, strict=True) if e.time >= start
        ]
    half = len(candles) // 2
    part = _chart(candles[:half], limit=5000, variant=variant, length=4)
    filled = [e for e in part.entries if e.fill_time is not None]
    assert _rows(whole)[: len(filled)] == _rows(part)[: len(filled)]
