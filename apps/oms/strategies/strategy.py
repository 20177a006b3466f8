"""The protocol of strategies: closed candles and the own side in, decisions out.

A strategy is a pure function of the candles that were pushed so far: it keeps the state of its
indicators and nothing else, and the same object runs in a backtest, a chart and a bot.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

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


class Strategy(Protocol):
    """A rule that trades one symbol."""

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the number of closed candles, by timeframe, before the first decision."""
        ...

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the decisions after one more closed candle; exits stand before entries."""
        ...
