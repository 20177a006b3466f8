"""Built-in strategies on candles made for each rule."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from oms.domain.errors import Invalid, NotFound
from oms.domain.market.candle import Candle
from oms.domain.market.resampler import Resampler
from oms.domain.market.timeframe import Timeframe
from oms.strategies.catalog import CATALOG, find_strategy
from oms.strategies.strategy import Action, Bars, Decision, PositionSide, Strategy

_SIDES = {
    Action.LONG: PositionSide.LONG,
    Action.SHORT: PositionSide.SHORT,
    Action.LONG_EXIT: PositionSide.FLAT,
    Action.SHORT_EXIT: PositionSide.FLAT,
}
GOLDEN_END = datetime(2024, 2, 15, 13, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)


def _run(
    strategy: Strategy, candles: Iterator[Candle] | Sequence[Candle], higher: Sequence[Timeframe]
) -> list[tuple[Candle, Decision]]:
    """Return the decisions, each with its candle; a decision is executed at once."""
    resamplers = {each: Resampler(Timeframe.MINUTES_5, each) for each in higher}
    side, decided = PositionSide.FLAT, []
    for candle in candles:
        made = {each: resampler.push(candle) for each, resampler in resamplers.items()}
        closed = {each: larger for each, larger in made.items() if larger is not None}
        for decision in strategy.on_bar(Bars(base=candle, closed=closed), side):
            side = _SIDES[decision.action]
            decided.append((candle, decision))
    return decided


def _golden_candles() -> Iterator[Candle]:
    at, previous = datetime(2024, 1, 1, tzinfo=UTC), Decimal(100)
    while at < GOLDEN_END:
        close = Decimal(100)
        if at >= datetime(2024, 2, 15, 12, tzinfo=UTC):
            close = Decimal(90)
        elif at >= datetime(2024, 2, 15, 10, 55, tzinfo=UTC):
            close = Decimal(200)
        elif at >= datetime(2024, 2, 15, 10, 5, tzinfo=UTC):
            close = Decimal("100.01")
        yield Candle(
            open_time=at,
            open=previous,
            high=max(previous, close),
            low=min(previous, close),
            close=close,
            volume=Decimal(1),
        )
        at, previous = at + FIVE_MINUTES, close


def _make(name: str, timeframe: str, **given: str) -> Strategy:
    definition = find_strategy(name)
    return definition.make(Timeframe(timeframe), definition.parse(given))


def _series(closes: Sequence[str], volume: Decimal | None = Decimal(1)) -> list[Candle]:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    prices = [Decimal(close) for close in closes]
    return [
        Candle(
            open_time=start + number * FIVE_MINUTES,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=volume,
        )
        for number, price in enumerate(prices)
    ]


def test_hma_sma_1_uses_no_larger_candle_before_its_close() -> None:
    """Three entries: a larger candle used early, or 100 > 100, gives another first one."""
    candles = list(_golden_candles())
    decided = _run(_make("hma_sma", "5m"), candles, (Timeframe.HOUR, Timeframe.HOURS_4))

    assert len(candles) == 13_116
    assert [
        (candle.open_time, decision.action.value, str(candle.close)) for candle, decision in decided
    ] == [
        (datetime(2024, 2, 15, 10, 5, tzinfo=UTC), "long", "100.01"),
        (datetime(2024, 2, 15, 12, 5, tzinfo=UTC), "long_exit", "90"),
        (datetime(2024, 2, 15, 12, 10, tzinfo=UTC), "short", "90"),
    ]


def _hours_4_line(values: Sequence[str]) -> list[Bars]:
    """Return candles with a close of 10, each with a 4-hour candle of a close of its own."""
    bars = []
    for candle, value in zip(_series(["10"] * len(values)), values, strict=True):
        price = Decimal(value)
        larger = Candle(
            open_time=candle.open_time, open=price, high=price, low=price, close=price, volume=None
        )
        bars.append(Bars(base=candle, closed={Timeframe.HOURS_4: larger}))
    return bars


def test_hma_sma_2_closes_and_reverses_on_one_candle() -> None:
    """With averages of 2 values, Hull averages are 2·x1 - (x0 + 2·x1)/3 of the last two."""
    strategy = _make("hma_sma", "5m", variant="2", length="2")
    side, decided = PositionSide.FLAT, []
    for bars in _hours_4_line(["11", "11", "9", "9", "12", "12"]):
        decisions = strategy.on_bar(bars, side)
        for decision in decisions:
            side = _SIDES[decision.action]
        decided.append([decision.action.value for decision in decisions])

    assert decided == [[], [], ["long"], [], ["long_exit", "short"], []]


def test_hma_sma_3_sets_levels_and_needs_volume() -> None:
    parameters = {"variant": "3", "length": "2", "volume_length": "2", "atr_length": "2"}
    closes = ["10.0", "10.0", "10.2", "10.2"]
    lines = {Timeframe.HOURS_4: ["11", "11", "10", "10"], Timeframe.HOUR: ["11"] * 4}

    def decide(volumes: Sequence[Decimal | None]) -> list[Decision]:
        strategy, decided = _make("hma_sma", "5m", **parameters), []
        for number, close in enumerate(closes):
            (candle,) = _series([close], volumes[number])
            larger = {each: _series([values[number]])[0] for each, values in lines.items()}
            bars = Bars(base=candle, closed=larger)
            decided += strategy.on_bar(bars, PositionSide.FLAT)
        return decided

    rising = [Decimal(1), Decimal(1), Decimal(3), Decimal(1)]
    (decision,) = decide(rising)
    # The true ranges are 0, 0, 0.2: the average of the last two is 0.1.
    assert decision == Decision(
        action=Action.LONG,
        stop_loss=Decimal("10.0"),
        stop_gain=Decimal("10.6"),
        risk_pct=Decimal(1),
    )
    assert not decide([Decimal(1)] * 4), "the volume is not above its average"
    assert not decide([None] * 4), "a missing volume makes the condition false"


def test_sma_cross_reverses() -> None:
    strategy = _make("sma_cross", "5m", fast="1", slow="2")
    decided = _run(strategy, _series(["10", "10", "11", "12", "9", "9", "10"]), ())

    assert [(candle.close, decision.action.value) for candle, decision in decided] == [
        (Decimal(11), "long"),
        (Decimal(9), "long_exit"),
        (Decimal(9), "short"),
        (Decimal(10), "short_exit"),
        (Decimal(10), "long"),
    ]


def test_rsi_trades_beyond_its_bounds() -> None:
    strategy = _make("rsi", "5m", period="2")
    decided = _run(strategy, _series(["10", "9", "8", "9", "10", "11"]), ())

    assert [(str(candle.close), decision.action.value) for candle, decision in decided] == [
        ("8", "long"),
        ("10", "long_exit"),
        ("10", "short"),
    ]


def test_an_unknown_strategy_is_not_replaced_by_another() -> None:
    with pytest.raises(NotFound) as raised:
        find_strategy("sma")
    assert raised.value.reason == "unknown_strategy"


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("hma_sma", {"variant": "9"}, "variant: 9 is not within 1 to 3"),
        ("hma_sma", {"length": "1"}, "length: 1 is not within 2 to 5000"),
        ("sma_cross", {"fast": "2.5"}, "a whole number is required"),
        ("sma_cross", {"fast": "fast"}, "parameter fast: 'fast'"),
        ("sma_cross", {"quick": "2"}, "no parameter 'quick'; it has fast, slow"),
        ("rsi", {"upper": "NaN"}, "parameter upper"),
        ("rsi", {"upper": "101"}, "upper: 101 is not within 0.01 to 100"),
    ],
)
def test_bad_parameters_are_errors(name: str, given: dict[str, str], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        find_strategy(name).parse(given)


@pytest.mark.parametrize(
    ("name", "timeframe", "given", "text"),
    [
        ("sma_cross", "5m", {"fast": "50", "slow": "50"}, "fast must be less than slow"),
        ("rsi", "5m", {"lower": "70", "upper": "70"}, "lower must be less than upper"),
        ("hma_sma", "1h", {}, "runs on 5m, not 1h"),
    ],
)
def test_parameters_that_contradict_are_errors(
    name: str, timeframe: str, given: dict[str, str], text: str
) -> None:
    with pytest.raises(Invalid, match=text):
        _make(name, timeframe, **given)


def test_defaults_have_the_published_values() -> None:
    defaults = {
        definition.name: {each.name: str(each.default) for each in definition.parameters}
        for definition in CATALOG
    }

    assert defaults["sma_cross"] == {"fast": "20", "slow": "50"}
    assert defaults["rsi"] == {"period": "14", "lower": "30", "upper": "70"}
    assert defaults["hma_sma"] == {
        "variant": "1",
        "length": "200",
        "volume_length": "20",
        "atr_length": "14",
        "atr_pct_max": "3",
        "stop_atrs": "2",
        "gain_atrs": "4",
        "risk_pct": "1",
    }
