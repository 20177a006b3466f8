"""The protocol of strategies: closed candles and the own side in, decisions out.

A strategy is a pure function of the candles that were pushed so far: it keeps the state of its
indicators and nothing else, and the same object runs in a backtest, a chart and a bot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value


class PositionSide(StrEnum):
    """What the strategy holds when a candle closes."""

    FLAT = "flat"
    LONG = "long"
    SHORT = "short"


class Action(StrEnum):
    """What a strategy decides: to open a position, or to close all of it."""

    LONG = "long"
    SHORT = "short"
    LONG_EXIT = "long_exit"
    SHORT_EXIT = "short_exit"

    @property
    def is_exit(self) -> bool:
        """Return whether it closes a position."""
        return self in (Action.LONG_EXIT, Action.SHORT_EXIT)


@value
class Decision:
    """What is done at the open of the next candle; prices in quote."""

    action: Action
    stop_loss: Decimal | None = None
    stop_gain: Decimal | None = None
    #: Share of the equity, in percent, that is lost at ``stop_loss``; it sizes the entry.
    risk_pct: Decimal | None = None


@value
class Bars:
    """What closed at the close of one candle of the base timeframe."""

    base: Candle
    #: Candles of higher timeframes that closed with ``base``. An earlier one stays the last usable.
    closed: Mapping[Timeframe, Candle]


@value
class Comparison:
    """What a strategy compares in one timeframe; a missing number makes both conditions false."""

    price: Decimal | None
    indicator: Decimal | None
    is_long: bool
    is_short: bool


@value
class StrategyState:
    """What a strategy sees at the last closed candle, whatever it holds."""

    #: Its lines by name.
    lines: Mapping[str, Decimal | None]
    enters_long: bool = False
    enters_short: bool = False
    leaves_long: bool = False
    leaves_short: bool = False
    comparisons: Mapping[Timeframe, Comparison] = field(default_factory=dict)


class Strategy(Protocol):
    """A rule that trades one symbol."""

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the number of closed candles, by timeframe, before the first decision."""
        ...

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the decisions after one more closed candle; exits stand before entries."""
        ...


@runtime_checkable
class ShownStrategy(Protocol):
    """A strategy whose lines and conditions a chart shows."""

    def state(self) -> StrategyState:
        """Return what it sees at the last candle that it was given."""
        ...


@runtime_checkable
class BatchStrategy(Protocol):
    """A strategy that calculates many candles at once, as one on data frames.

    It sees candles before it decides on them: the look-ahead check proves that it does not use
    them.
    """

    def preview(self, candles: Sequence[Candle]) -> None:
        """Calculate the candles that ``on_bar`` is given next, in this order."""
        ...
