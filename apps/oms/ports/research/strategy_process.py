"""A process of its own that runs the code of one strategy.

Code of users never runs in the process that holds the database: it may loop, take all memory or
end its process. Such an end is a ``StrategyFailed`` of that strategy alone, with its reason.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.strategies.catalog import Number
from oms.strategies.description import LoadedCatalog
from oms.strategies.strategy import Bars, Decision, PositionSide

OnPart = Callable[[Mapping[str, object]], None]
"""Takes a part of what a calculation returns."""


def ignore_part(_: Mapping[str, object]) -> None:
    """Take a part of a calculation that returns none."""


_OWN_CODE = "/oms/adapters/strategy_code/"
"""Part of the names of the gateway's files that interrupt the code of a strategy."""


class StrategyFailed(Invalid):
    """The code of a strategy failed; ``traceback`` is text, empty if there is none.

    Its reasons are ``strategy_error`` (an exception, or decisions that are none),
    ``strategy_timeout``, ``strategy_memory`` and ``strategy_ended`` (the process ended).
    """

    def __init__(self, message: str, *, reason: str, traceback: str = "") -> None:
        super().__init__(message, reason=reason)
        self.traceback = traceback

    def __reduce__(self) -> tuple[Callable[..., "StrategyFailed"], tuple[str, str, str]]:
        """Allow to send it to another process."""
        return _failed_again, (self.message, str(self.reason), self.traceback)

    @property
    def description(self) -> str:
        """Its reason and message, and the last line of the code that the traceback names."""
        lines = [
            line.strip()
            for line in self.traceback.splitlines()
            if "File " in line and _OWN_CODE not in line
        ]
        place = f" ({lines[-1]})" if lines else ""
        return f"{self.reason or self.code}: {self.message}{place}"


def _failed_again(message: str, reason: str, traceback: str) -> StrategyFailed:
    return StrategyFailed(message, reason=reason, traceback=traceback)


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
        candles: AsyncIterator[Sequence[Candle]] | None,
        on_part: OnPart = ignore_part,
    ) -> Mapping[str, object]:
        """Return the JSON that a calculation with the started strategy makes of all candles.

        They come in parts, ascending, or are those that the process keeps; a new strategy is built
        for it. ``backtest``, ``chart`` and ``lookahead`` are calculations. ``on_part`` is given
        what a calculation returns before its end. Raises ``Invalid`` for what one refuses.
        """
        ...

    async def keep(self, candles: AsyncIterator[Sequence[Candle]]) -> None:
        """Give candles to the process that it keeps for calculations."""
        ...

    async def close(self) -> None:
        """End the process. Raises nothing."""
        ...


class StrategyProcesses(Protocol):
    """Starts processes of strategies."""

    async def open(self) -> StrategyProcess:
        """Start one; it must be closed. Raises ``StrategyFailed``."""
        ...
