"""A process of its own that runs the code of one strategy.

Code of users never runs in the process that holds the database: it may loop, take all memory or
end its process. Such an end is a ``StrategyFailed`` of that strategy alone, with its reason.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.strategies.catalog import Number
from oms.strategies.description import LoadedCatalog
from oms.strategies.strategy import Bars, Decision, PositionSide


class StrategyFailed(Invalid):
    """The code of a strategy failed; ``traceback`` is text, empty if there is none.

    Its reasons are ``strategy_error`` (an exception, or decisions that are none),
    ``strategy_timeout``, ``strategy_memory`` and ``strategy_ended`` (the process ended).
    """

    def __init__(self, message: str, *, reason: str, traceback: str = "") -> None:
        super().__init__(message, reason=reason)
        self.traceback = traceback


@value
class StrategyStart:
    """Which strategy is started; ``parameters`` are those that differ from the defaults."""

    name: str
    timeframe: Timeframe
    parameters: Mapping[str, str | int | Decimal]


@value
class StartedStrategy:
    """A strategy that waits for candles."""

    name: str
    version: str
    #: SHA-256 of its source.
    code_hash: str
    #: All parameters.
    parameters: Mapping[str, Number]
    #: Closed candles, by timeframe, before the first decision.
    warmup: Mapping[Timeframe, int]
    #: Larger timeframes whose candles it is given when they close.
    higher: Sequence[Timeframe]
    #: How many of the newest candles the look-ahead check takes.
    checked_candles: int


class StrategyProcess(Protocol):
    """One process. Every method raises ``StrategyFailed``; the process has ended then."""

    async def load_catalog(self) -> LoadedCatalog:
        """Return the built-in strategies and those of users, and what could not be loaded."""
        ...

    async def start(self, request: StrategyStart) -> StartedStrategy:
        """Build a strategy; it replaces one that was started before.

        Raises ``NotFound`` for an unknown name and ``Invalid`` for bad parameters.
        """
        ...

    async def on_bars(
        self, bars: Sequence[Bars], side: PositionSide
    ) -> Sequence[Sequence[Decision]]:
        """Give closed candles, ascending, to the strategy; returns its decisions at each of them.

        ``side`` is what it holds at all of them, so several are given at once only for the warm-up.
        """
        ...

    async def calculate(
        self,
        calculation: str,
        settings: Mapping[str, object],
        candles: AsyncIterator[Sequence[Candle]],
    ) -> Mapping[str, object]:
        """Return the JSON that a calculation with the started strategy makes of all candles.

        They come in parts, ascending; a new strategy is built for it. ``chart`` and ``lookahead``
        are calculations. Raises ``Invalid`` for what one refuses.
        """
        ...

    async def close(self) -> None:
        """End the process. Raises nothing."""
        ...


class StrategyProcesses(Protocol):
    """Starts processes of strategies."""

    async def open(self) -> StrategyProcess:
        """Start one; it must be closed. Raises ``StrategyFailed``."""
        ...
