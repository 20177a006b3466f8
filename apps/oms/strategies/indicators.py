"""Indicators, incremental: ``push`` takes the next value and returns the indicator, or ``None``.

Sums are exact, and only quotients are rounded, to ``PRECISION`` digits, so on constants each
indicator is exactly that constant: a flat market never passes a strict comparison. A value that is
pushed later never changes one that was returned.
"""

from collections import deque
from decimal import Context, Decimal
from enum import StrEnum
from math import isqrt

from oms.domain.market.candle import Candle
from oms.domain.money import EXACT

PRECISION = 30
"""Significant digits of quotients."""

_QUOTIENTS = Context(prec=PRECISION)
_ZERO = Decimal(0)
_HUNDRED = Decimal(100)
_add, _subtract, _multiply = EXACT.add, EXACT.subtract, EXACT.multiply
_divide = _QUOTIENTS.divide


class SimpleAverage:
    """SMA(n): mean of the last ``n`` values; the first one at index n-1."""

    def __init__(self, length: int) -> None:
        self._count = Decimal(_positive(length))
        self._length = length
        self._values: deque[Decimal] = deque()
        self._sum = _ZERO

    def push(self, value: Decimal) -> Decimal | None:
        """Return the mean after ``value``."""
        values = self._values
        values.append(value)
        if len(values) > self._length:
            self._sum = _subtract(_add(self._sum, value), values.popleft())
        else:
            self._sum = _add(self._sum, value)
            if len(values) < self._length:
                return None
        return _divide(self._sum, self._count)


class WeightedAverage:
    """WMA(n): weights 1 to ``n``, the newest heaviest; the first one at index n-1."""

    def __init__(self, length: int) -> None:
        self._length = _positive(length)
        self._heaviest = Decimal(length)
        self._weights = Decimal(length * (length + 1) // 2)
        self._values: deque[Decimal] = deque()
        self._sum = _ZERO
        self._weighted = _ZERO

    def push(self, value: Decimal) -> Decimal | None:
        """Return the weighted mean after ``value``."""
        values = self._values
        values.append(value)
        if len(values) > self._length:
            self._weighted = _add(
                _subtract(self._weighted, self._sum), _multiply(self._heaviest, value)
            )
            self._sum = _subtract(_add(self._sum, value), values.popleft())
        else:
            self._weighted = _add(self._weighted, _multiply(Decimal(len(values)), value))
            self._sum = _add(self._sum, value)
            if len(values) < self._length:
                return None
        return _divide(self._weighted, self._weights)


class HullAverage:
    """HMA(n): WMA(floor(sqrt n)) of 2·WMA(floor(n/2)) - WMA(n)."""

    def __init__(self, length: int) -> None:
        self._half = WeightedAverage(max(length // 2, 1))
        self._whole = WeightedAverage(length)
        self._smooth = WeightedAverage(isqrt(length))

    def push(self, value: Decimal) -> Decimal | None:
        """Return the average after ``value``; the first one at index n-1 + floor(sqrt n)-1."""
        half, whole = self._half.push(value), self._whole.push(value)
        if half is None or whole is None:
            return None
        return self._smooth.push(_subtract(_add(half, half), whole))


class ExponentialAverage:
    """EMA(n): starts as the SMA of the first ``n`` values, then weight 2/(n+1)."""

    def __init__(self, length: int) -> None:
        self._seed = SimpleAverage(length)
        self._divisor = Decimal(length + 1)
        self._value: Decimal | None = None

    def push(self, value: Decimal) -> Decimal | None:
        """Return the average after ``value``; the first one at index n-1."""
        if self._value is None:
            self._value = self._seed.push(value)
        else:
            distance = _subtract(value, self._value)
            change = _divide(_add(distance, distance), self._divisor)
            self._value = _QUOTIENTS.add(self._value, change)
        return self._value


class WilderAverage:
    """Wilder's average: the mean of the first ``n`` values, then (previous·(n-1) + value)/n."""

    def __init__(self, length: int) -> None:
        self._seed = SimpleAverage(length)
        self._divisor = Decimal(length)
        self._value: Decimal | None = None

    def push(self, value: Decimal) -> Decimal | None:
        """Return the average after ``value``; the first one at index n-1."""
        if self._value is None:
            self._value = self._seed.push(value)
        else:
            change = _divide(_subtract(value, self._value), self._divisor)
            self._value = _QUOTIENTS.add(self._value, change)
        return self._value


class Smoothing(StrEnum):
    """How the true range is averaged."""

    WILDER = "wilder"
    SIMPLE = "sma"


class AverageTrueRange:
    """ATR(n): the average of the true range; that of the first candle is high - low."""

    def __init__(self, length: int, smoothing: Smoothing = Smoothing.WILDER) -> None:
        is_wilder = smoothing is Smoothing.WILDER
        self._average = WilderAverage(length) if is_wilder else SimpleAverage(length)
        self._close: Decimal | None = None

    def push(self, candle: Candle) -> Decimal | None:
        """Return the average after ``candle``; the first one at index n-1."""
        reach = _subtract(candle.high, candle.low)
        if self._close is not None:
            above = _subtract(candle.high, self._close).copy_abs()
            below = _subtract(candle.low, self._close).copy_abs()
            reach = max(reach, above, below)
        self._close = candle.close
        return self._average.push(reach)


class RelativeStrength:
    """RSI(n) with Wilder's averages of gains and losses; 50 if there were neither."""

    def __init__(self, length: int = 14) -> None:
        self._gains = WilderAverage(length)
        self._losses = WilderAverage(length)
        self._previous: Decimal | None = None

    def push(self, value: Decimal) -> Decimal | None:
        """Return the index, 0 to 100, after ``value``; the first one at index n."""
        previous, self._previous = self._previous, value
        if previous is None:
            return None
        change = _subtract(value, previous)
        gains = self._gains.push(max(change, _ZERO))
        losses = self._losses.push(max(change.copy_negate(), _ZERO))
        if gains is None or losses is None:
            return None
        if not losses:
            return _HUNDRED if gains else Decimal(50)
        return _divide(_multiply(_HUNDRED, gains), _add(gains, losses))


class ConvergenceDivergence:
    """MACD: EMA(fast) - EMA(slow), its EMA(signal), and the difference of both."""

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        self._fast = ExponentialAverage(fast)
        self._slow = ExponentialAverage(slow)
        self._signal = ExponentialAverage(signal)

    def push(self, value: Decimal) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        """Return line, signal and histogram after ``value``; each ``None`` until it exists."""
        fast, slow = self._fast.push(value), self._slow.push(value)
        if fast is None or slow is None:
            return None, None, None
        line = _subtract(fast, slow)
        signal = self._signal.push(line)
        return line, signal, None if signal is None else _subtract(line, signal)


def _positive(length: int) -> int:
    if length < 1:
        raise ValueError("the length of an indicator is at least 1")
    return length
