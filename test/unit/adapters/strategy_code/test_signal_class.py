"""Strategies on data frames."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from oms.adapters.strategy_code.signal_class import SignalStrategy, definition_of
from oms.adapters.strategy_code.strategy_files import load_strategies
from oms.backtest.lookahead import check_lookahead
from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.strategies.catalog import Parameter
from oms.strategies.strategy import Action, Bars, Decision, PositionSide

AT = datetime(2024, 1, 1, tzinfo=UTC)
EXAMPLES = Path(__file__).resolve().parents[4] / "examples" / "signals"


def _candles(closes: Sequence[int]) -> list[Candle]:
    return [
        Candle(
            open_time=AT + number * timedelta(hours=1),
            open=Decimal(close),
            high=Decimal(close),
            low=Decimal(close),
            close=Decimal(close),
            volume=None,
        )
        for number, close in enumerate(closes)
    ]


class _Given:
    """Returns the signals that it was given."""

    def __init__(self, signals: Any) -> None:
        self.signals = signals
        self.frames: list[pd.DataFrame] = []

    def generate_signals(self, data: pd.DataFrame) -> Any:
        self.frames.append(data)
        if not isinstance(self.signals, list):
            return self.signals
        return pd.Series(self.signals[: len(data)], index=data.index)


def _decide(
    rule: object, candles: Sequence[Candle], side: PositionSide = PositionSide.FLAT
) -> list[list[Decision]]:
    strategy = SignalStrategy(rule, Timeframe.HOUR, 0)
    return [list(strategy.on_bar(Bars(base=each, closed={}), side)) for each in candles]


def test_signals_become_decisions() -> None:
    signals = [1, -1, 0, float("nan"), 1.0]
    flat = _decide(_Given(signals), _candles([1] * 5))
    assert [[each.action for each in row] for row in flat] == [
        [Action.LONG],
        [Action.SHORT],
        [],
        [],
        [Action.LONG],
    ]
    short = _decide(_Given([1]), _candles([1]), PositionSide.SHORT)
    assert [each.action for each in short[0]] == [Action.SHORT_EXIT, Action.LONG]
    held = _decide(_Given([-1]), _candles([1]), PositionSide.LONG)
    assert [each.action for each in held[0]] == [Action.LONG_EXIT, Action.SHORT]


def test_the_data_is_indexed_by_open_time_in_utc() -> None:
    rule = _Given([0, 0])
    _decide(rule, _candles([3, 4]))
    frame = rule.frames[-1]
    assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
    assert list(frame.index) == [AT, AT + timedelta(hours=1)]
    assert str(frame.index.tz) == "UTC"
    assert list(frame["close"]) == [3.0, 4.0]
    assert frame["volume"].isna().all()


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        ([2], "returned 2: 1, -1, 0 or NaN is expected"),
        ([0.5], "returned 0.5"),
        ([float("inf")], "returned inf"),
        (["long"], "returned 'long'"),
        (pd.Series([0, 0]), "no Series with a value for each row"),
        (None, "no Series"),
    ],
)
def test_other_values_are_errors(signals: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _decide(_Given(signals), _candles([1]))


def test_many_candles_at_once_give_the_same_decisions() -> None:
    definition = next(
        each.definition
        for each in load_strategies(EXAMPLES)[0]
        if each.definition.name == "rsi_signals"
    )
    closes = [100 + int(20 * math.sin(number / 6)) + number % 3 for number in range(120)]
    candles = _candles(closes)

    def make() -> SignalStrategy:
        strategy = definition.make(Timeframe.HOUR, definition.parse({"period": 5}))
        assert isinstance(strategy, SignalStrategy)
        return strategy

    one, many = make(), make()
    many.preview(candles[:50])
    single = [list(one.on_bar(Bars(base=e, closed={}), PositionSide.FLAT)) for e in candles]
    batch = [list(many.on_bar(Bars(base=e, closed={}), PositionSide.FLAT)) for e in candles[:50]]
    many.preview(candles[50:])
    batch += [list(many.on_bar(Bars(base=e, closed={}), PositionSide.FLAT)) for e in candles[50:]]
    assert batch == single
    assert any(single)
    found = check_lookahead(make, candles, Timeframe.HOUR, ())
    assert found.decisions > 0


def test_a_shift_by_minus_one_is_detected() -> None:
    class Ahead:
        def generate_signals(self, data: pd.DataFrame) -> pd.Series:
            return (data["close"].shift(-1) > data["close"]).astype(int)

    definition = definition_of(Ahead)
    candles = _candles([100 + (number * 7919) % 23 for number in range(200)])
    with pytest.raises(Invalid) as detected:
        check_lookahead(lambda: definition.make(Timeframe.HOUR, {}), candles, Timeframe.HOUR, ())
    assert detected.value.reason == "lookahead_detected"


def test_a_class_describes_itself_by_its_arguments() -> None:
    class MeanReversion:
        """Buys low.

        More.
        """

        warmup = 7
        timeframe = "1h"

        def __init__(self, length: int = 3, factor: float = 1.5, label: str = "x") -> None:
            self.given = (length, factor, label)

        def generate_signals(self, data: pd.DataFrame) -> pd.Series:
            return pd.Series(0, index=data.index)

    definition = definition_of(MeanReversion)
    assert (definition.name, definition.version) == ("mean_reversion", "1")
    assert (definition.summary, definition.base) == ("Buys low.", Timeframe.HOUR)
    assert [(each.name, each.default) for each in definition.parameters] == [
        ("length", 3),
        ("factor", Decimal("1.5")),
    ]
    strategy = definition.make(Timeframe.HOUR, definition.parse({"factor": "2.5"}))
    assert strategy.warmup() == {Timeframe.HOUR: 7}
    assert isinstance(strategy, SignalStrategy)
    assert strategy._rule.given == (3, 2.5, "x")


def test_a_class_without_defaults_is_refused() -> None:
    class Needs:
        def __init__(self, length: int) -> None:
            self.length = length

    class Fast:
        timeframe = "7m"

    class Cold:
        warmup = "many"

    for rule, message in (
        (Needs, "argument length of Needs has no default"),
        (Fast, "timeframe '7m' of Fast"),
        (Cold, "warmup 'many' of Cold"),
    ):
        with pytest.raises(Invalid, match=message):
            definition_of(rule)


def test_described_parameters_are_kept() -> None:
    class Described:
        parameters = (Parameter(name="length", default=3, minimum=2, maximum=9),)

        def __init__(self, length: int = 3) -> None:
            self.length = length

    with pytest.raises(Invalid, match="10 is not within 2 to 9"):
        definition_of(Described).parse({"length": 10})
