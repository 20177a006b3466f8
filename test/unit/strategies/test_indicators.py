"""Indicators against their definitions, computed with fractions from the whole series."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.domain.market.candle import Candle
from oms.strategies.indicators import (
    AverageTrueRange,
    ConvergenceDivergence,
    ExponentialAverage,
    HullAverage,
    RelativeStrength,
    SimpleAverage,
    Smoothing,
    WeightedAverage,
    WilderAverage,
)

Values = Sequence[Decimal]
Line = list[Decimal | None]


class Indicator(Protocol):
    """What all indicators of one value have in common."""

    def push(self, value: Decimal) -> Decimal | None: ...


MAKERS: dict[str, Callable[[int], Indicator]] = {
    "sma": SimpleAverage,
    "wma": WeightedAverage,
    "hma": HullAverage,
    "ema": ExponentialAverage,
    "wilder": WilderAverage,
    "rsi": RelativeStrength,
}
PRICES = st.lists(st.decimals("0.01", "90000", places=2, allow_nan=False), min_size=1, max_size=60)
LENGTHS = st.integers(1, 20)
RAMP = [Decimal(i + 1) for i in range(260)]


def _line(name: str, length: int, values: Values) -> Line:
    indicator = MAKERS[name](length)
    return [indicator.push(value) for value in values]


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _sma(values: Sequence[Fraction], length: int) -> list[Fraction | None]:
    return [
        None if i < length - 1 else _mean(values[i - length + 1 : i + 1])
        for i in range(len(values))
    ]


def _wma(values: Sequence[Fraction], length: int) -> list[Fraction | None]:
    total = Fraction(length * (length + 1), 2)
    line: list[Fraction | None] = []
    for i in range(len(values)):
        window = values[i - length + 1 : i + 1] if i >= length - 1 else []
        weighted = sum((w * x for w, x in enumerate(window, start=1)), Fraction(0))
        line.append(weighted / total if window else None)
    return line


def _hma(values: Sequence[Fraction], length: int) -> list[Fraction | None]:
    half, whole = _wma(values, max(length // 2, 1)), _wma(values, length)
    raw = [2 * h - w for h, w in zip(half, whole, strict=True) if h is not None and w is not None]
    return [None] * (len(values) - len(raw)) + _wma(raw, isqrt(length))


def _smoothed(values: Sequence[Fraction], length: int, weight: Fraction) -> list[Fraction | None]:
    line: list[Fraction | None] = [None] * min(length - 1, len(values))
    if len(values) >= length:
        line.append(_mean(values[:length]))
        for value in values[length:]:
            last = line[-1]
            assert last is not None
            line.append(last + (value - last) * weight)
    return line


def _rsi(values: Sequence[Fraction], length: int) -> list[Fraction | None]:
    changes = [after - before for before, after in pairwise(values)]
    gains = _smoothed([max(c, Fraction(0)) for c in changes], length, Fraction(1, length))
    losses = _smoothed([max(-c, Fraction(0)) for c in changes], length, Fraction(1, length))
    line: list[Fraction | None] = [None]
    for gain, loss in zip(gains, losses, strict=True):
        if gain is None or loss is None:
            line.append(None)
        elif not gain and not loss:
            line.append(Fraction(50))
        else:
            line.append(Fraction(100) if not loss else 100 - 100 / (1 + gain / loss))
    return line


ORACLES: dict[str, Callable[[Sequence[Fraction], int], list[Fraction | None]]] = {
    "sma": _sma,
    "wma": _wma,
    "hma": _hma,
    "ema": lambda values, length: _smoothed(values, length, Fraction(2, length + 1)),
    "wilder": lambda values, length: _smoothed(values, length, Fraction(1, length)),
    "rsi": _rsi,
}


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=60)
@given(values=PRICES, length=LENGTHS)
def test_incremental_values_are_those_of_the_definition(
    name: str, values: Values, length: int
) -> None:
    expected = ORACLES[name]([Fraction(value) for value in values], length)

    for pushed, exact in zip(_line(name, length, values), expected, strict=True):
        assert (pushed is None) == (exact is None)
        if pushed is not None and exact is not None:
            assert abs(Fraction(pushed) - exact) <= abs(exact) / 10**12


@pytest.mark.parametrize("name", MAKERS)
@given(values=PRICES, length=LENGTHS, cut=st.integers(0, 60))
def test_a_later_value_never_changes_an_earlier_one(
    name: str, values: Values, length: int, cut: int
) -> None:
    assert _line(name, length, values[:cut]) == _line(name, length, values)[:cut]


@pytest.mark.parametrize("name", ["sma", "wma", "hma", "ema", "wilder"])
@given(value=st.decimals("0.00000001", "99999999", places=8), length=st.integers(1, 250))
@settings(max_examples=30)
def test_a_constant_has_exactly_itself_as_average(name: str, value: Decimal, length: int) -> None:
    averages = {each for each in _line(name, length, [value] * 300) if each is not None}

    assert averages == {value}


@pytest.mark.parametrize("name", ["sma", "wma", "hma", "ema", "wilder"])
@given(values=PRICES, length=LENGTHS, shift=st.integers(1, 1000), factor=st.integers(1, 1000))
@settings(max_examples=40)
def test_averages_follow_a_shift_and_a_scale(
    name: str, values: Values, length: int, shift: int, factor: int
) -> None:
    plain = _line(name, length, values)
    moved = _line(name, length, [value * factor + shift for value in values])

    for one, other in zip(plain, moved, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert abs(one * factor + shift - other) <= abs(other) * Decimal("1e-12")


@pytest.mark.parametrize(
    ("name", "length", "first", "lag"),
    [
        ("sma", 10, 9, Decimal("4.5")),
        ("wma", 10, 9, Decimal(3)),
        ("ema", 10, 9, Decimal("4.5")),
        ("hma", 200, 212, Decimal(4)),
    ],
)
def test_averages_of_a_ramp_lag_by_a_constant(
    name: str, length: int, first: int, lag: Decimal
) -> None:
    line = _line(name, length, RAMP)

    assert [i for i, each in enumerate(line) if each is not None] == list(range(first, len(RAMP)))
    for value, average in zip(RAMP[first:], line[first:], strict=True):
        assert average is not None
        assert abs(value - lag - average) < Decimal("1e-20")


def test_relative_strength_of_a_rise_a_fall_and_a_flat_market() -> None:
    flat = [Decimal(5)] * 20

    assert _line("rsi", 14, RAMP[:16]) == [None] * 14 + [Decimal(100)] * 2
    assert _line("rsi", 14, RAMP[15::-1]) == [None] * 14 + [Decimal(0)] * 2
    assert _line("rsi", 14, flat)[14:] == [Decimal(50)] * 6


def test_convergence_divergence_of_a_ramp() -> None:
    indicator = ConvergenceDivergence()
    points = [indicator.push(value) for value in RAMP]

    for index, (line, signal, histogram) in enumerate(points):
        assert (line is None, signal is None, histogram is None) == (
            index < 25,
            index < 33,
            index < 33,
        )
    line, signal, histogram = points[-1]
    assert line is not None and signal is not None and histogram is not None
    assert abs(line - 7) < Decimal("1e-20")
    assert abs(signal - 7) < Decimal("1e-20")
    assert abs(histogram) < Decimal("1e-20")


@pytest.mark.parametrize("smoothing", list(Smoothing))
def test_true_range_counts_gaps_from_the_close_before(smoothing: Smoothing) -> None:
    rows = [("12", "8", "10"), ("20", "18", "19"), ("11", "10", "10.5"), ("11", "9", "10")]
    opened = datetime(2024, 1, 1, tzinfo=UTC)
    candles = [
        Candle(
            open_time=opened + timedelta(hours=number),
            open=Decimal(low),
            high=Decimal(high),
            low=Decimal(low),
            close=Decimal(close),
            volume=None,
        )
        for number, (high, low, close) in enumerate(rows)
    ]
    indicator = AverageTrueRange(3, smoothing)
    line = [indicator.push(candle) for candle in candles]

    # True ranges: 4, |20 - 10| = 10, |10 - 19| = 9, 2.
    assert line[:2] == [None, None]
    assert line[2] is not None and abs(line[2] * 3 - 23) < Decimal("1e-20")
    last = Decimal(21) / 3 if smoothing is Smoothing.SIMPLE else (Decimal(23) / 3 * 2 + 2) / 3
    assert line[3] is not None and abs(line[3] - last) < Decimal("1e-20")


@pytest.mark.parametrize("maker", [SimpleAverage, WeightedAverage, HullAverage])
def test_a_length_below_one_is_an_error(maker: Callable[[int], Indicator]) -> None:
    with pytest.raises(ValueError, match="length"):
        maker(0)
