"""``hma_sma``: 5-minute closes against their average and Hull averages of 1 and 4 hours.

With S the average of the closes, H1 and H4 the Hull averages, last usable; short is mirrored:

======= ===================================== ===========================================
variant entry long                            exit long
======= ===================================== ===========================================
1       close > S, H1 and H4                  open and close < S
2       S crosses above H4                    S crosses below H1 or below H4
3       as 2, and close > S, H1 > H4,         as 1; the entry also sets stop_loss at
        volume > SMA20(volume), ATR at most   close - 2·ATR, stop_gain at close + 4·ATR
        3 % of the close                      and risk_pct 1
======= ===================================== ===========================================

Variant 1 judges entries against the side when the candle closed, so a reversal takes two candles;
2 and 3 judge them against the side after the exits. A missing value makes a condition false.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isqrt

from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import add, multiply, subtract
from oms.domain.value import value
from oms.strategies.crossing import Crossing
from oms.strategies.indicators import (
    AverageTrueRange,
    HullAverage,
    SimpleAverage,
    Smoothing,
)
from oms.strategies.shown_state import compare
from oms.strategies.strategy import Action, Bars, Decision, PositionSide, StrategyState

_HOUR, _HOURS_4 = Timeframe.HOUR, Timeframe.HOURS_4
_EXITS = {PositionSide.LONG: Action.LONG_EXIT, PositionSide.SHORT: Action.SHORT_EXIT}
_ENTRIES = {PositionSide.LONG: Action.LONG, PositionSide.SHORT: Action.SHORT}
_HUNDRED = Decimal(100)


@value
class HmaSmaParameters:
    """Lengths and factors; the ATR and the volume matter to variant 3 only."""

    variant: int
    length: int
    volume_length: int
    atr_length: int
    atr_pct_max: Decimal
    stop_atrs: Decimal
    gain_atrs: Decimal
    risk_pct: Decimal


@value
class _Reading:
    """All values at the close of one candle; ``cross`` is of S with H1 and with H4."""

    candle: Candle
    sma: Decimal | None
    hour: Decimal | None
    hours_4: Decimal | None
    volume: Decimal | None
    atr: Decimal | None
    hour_cross: int
    hours_4_cross: int


class HmaSma:
    """The three variants on candles of 5 minutes."""

    def __init__(self, parameters: HmaSmaParameters) -> None:
        self._parameters = parameters
        self._sma = SimpleAverage(parameters.length)
        self._hulls = {each: HullAverage(parameters.length) for each in (_HOUR, _HOURS_4)}
        self._last: dict[Timeframe, Decimal | None] = {_HOUR: None, _HOURS_4: None}
        self._hour_crossing = Crossing()
        self._hours_4_crossing = Crossing()
        self._volume = SimpleAverage(parameters.volume_length)
        self._atr = AverageTrueRange(parameters.atr_length, Smoothing.SIMPLE)
        self._reading: _Reading | None = None

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the candles until each average has a value."""
        length = self._parameters.length
        hull = length + isqrt(length) - 1
        return {Timeframe.MINUTES_5: length, _HOUR: hull, _HOURS_4: hull}

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the exit and the entry of this close."""
        reading = self._reading = self._read(bars)
        decisions = []
        entry_from = side
        if side is not PositionSide.FLAT and self._leaves(reading, side):
            decisions.append(Decision(action=_EXITS[side]))
            if self._parameters.variant != 1:
                entry_from = PositionSide.FLAT
        if entry_from is PositionSide.FLAT:
            for entered in (PositionSide.LONG, PositionSide.SHORT):
                if self._enters(reading, entered):
                    decisions.append(self._entry(reading, entered))
                    break
        return decisions

    def state(self) -> StrategyState:
        """Return the averages and the conditions of both sides at the last close.

        Of 1 and 4 hours variant 1 compares the close with the Hull average, 2 and 3 the average.
        """
        reading = self._reading
        if reading is None:
            return StrategyState(lines={})
        close, sma = reading.candle.close, reading.sma
        compared = close if self._parameters.variant == 1 else sma
        return StrategyState(
            lines={"sma": sma, "hma_1h": reading.hour, "hma_4h": reading.hours_4},
            enters_long=self._enters(reading, PositionSide.LONG),
            enters_short=self._enters(reading, PositionSide.SHORT),
            leaves_long=self._leaves(reading, PositionSide.LONG),
            leaves_short=self._leaves(reading, PositionSide.SHORT),
            comparisons={
                Timeframe.MINUTES_5: compare(close, sma),
                _HOUR: compare(compared, reading.hour),
                _HOURS_4: compare(compared, reading.hours_4),
            },
        )

    def _read(self, bars: Bars) -> _Reading:
        for timeframe, candle in bars.closed.items():
            if timeframe in self._hulls:
                self._last[timeframe] = self._hulls[timeframe].push(candle.close)
        candle = bars.base
        sma = self._sma.push(candle.close)
        hour, hours_4 = self._last[_HOUR], self._last[_HOURS_4]
        return _Reading(
            candle=candle,
            sma=sma,
            hour=hour,
            hours_4=hours_4,
            volume=None if candle.volume is None else self._volume.push(candle.volume),
            atr=self._atr.push(candle),
            hour_cross=self._hour_crossing.push(sma, hour),
            hours_4_cross=self._hours_4_crossing.push(sma, hours_4),
        )

    def _enters(self, reading: _Reading, side: PositionSide) -> bool:
        sign = 1 if side is PositionSide.LONG else -1
        close = reading.candle.close
        if self._parameters.variant == 1:
            lines = (reading.sma, reading.hour, reading.hours_4)
            return all(_is_beyond(close, line, sign) for line in lines)
        if reading.hours_4_cross != sign:
            return False
        if self._parameters.variant == 2:
            return True
        return (
            _is_beyond(close, reading.sma, sign)
            and _is_beyond(reading.hour, reading.hours_4, sign)
            and _is_beyond(reading.candle.volume, reading.volume, 1)
            and self._is_calm(reading)
        )

    def _leaves(self, reading: _Reading, side: PositionSide) -> bool:
        sign = -1 if side is PositionSide.LONG else 1
        if self._parameters.variant == 2:
            return sign in (reading.hour_cross, reading.hours_4_cross)
        candle, sma = reading.candle, reading.sma
        return _is_beyond(candle.open, sma, sign) and _is_beyond(candle.close, sma, sign)

    def _is_calm(self, reading: _Reading) -> bool:
        if reading.atr is None:
            return False
        limit = multiply(reading.candle.close, self._parameters.atr_pct_max)
        return multiply(reading.atr, _HUNDRED) <= limit

    def _entry(self, reading: _Reading, side: PositionSide) -> Decision:
        parameters = self._parameters
        if parameters.variant != 3 or reading.atr is None:
            return Decision(action=_ENTRIES[side])
        close = reading.candle.close
        loss = multiply(parameters.stop_atrs, reading.atr)
        gain = multiply(parameters.gain_atrs, reading.atr)
        is_long = side is PositionSide.LONG
        return Decision(
            action=_ENTRIES[side],
            stop_loss=subtract(close, loss) if is_long else add(close, loss),
            stop_gain=add(close, gain) if is_long else subtract(close, gain),
            risk_pct=parameters.risk_pct,
        )


def _is_beyond(number: Decimal | None, line: Decimal | None, sign: int) -> bool:
    """Return whether ``number`` is above the line, or below it for a negative ``sign``."""
    if number is None or line is None:
        return False
    return number > line if sign > 0 else number < line
