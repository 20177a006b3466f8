"""Evaluation of a strategy: the interface of a bot to the code of its strategy.

The code may run in this process or in a child of it. Whatever it raises, and that it does not
answer, is ``StrategyFailed``, whose text is shown as the reason of the bot.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from oms.domain.bots.bot import BotTerms
from oms.domain.market.candle import Candle
from oms.domain.market.resampler import Resampler
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import constructor
from oms.strategies.catalog import StrategyDefinition
from oms.strategies.strategy import Bars, Decision, PositionSide, Strategy

_new_bars = constructor(Bars)


class StrategyFailed(Exception):
    """The code of a strategy raised an error, or did not answer."""


class Evaluator(Protocol):
    """A strategy on the closed candles of one symbol, in ascending order."""

    async def replay(self, candles: Sequence[Candle]) -> None:
        """Let the strategy see candles without deciding. Raises ``StrategyFailed``."""
        ...

    async def decide(self, candle: Candle, side: PositionSide) -> Sequence[Decision]:
        """Return what it decides at the close of the next candle. Raises ``StrategyFailed``."""
        ...

    async def close(self) -> None:
        """End the evaluation."""
        ...


class Evaluators(Protocol):
    """Opens evaluations."""

    async def open(self, terms: BotTerms) -> Evaluator:
        """Return an evaluation that has seen nothing yet. Raises ``StrategyFailed``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInEvaluators:
    """Opens strategies of the catalogue in this process; its code is the gateway's own."""

    #: Returns a strategy of the catalogue. Raises ``NotFound``.
    find_strategy: Callable[[str], StrategyDefinition]

    async def open(self, terms: BotTerms) -> Evaluator:
        """Return a new strategy. Raises ``StrategyFailed`` if the version is another one."""
        definition = self.find_strategy(terms.strategy)
        if definition.version != terms.version:
            found = f"strategy {definition.name} has version {definition.version}"
            raise StrategyFailed(f"code_changed: {found}, the bot has {terms.version}")
        strategy = definition.make(terms.timeframe, definition.parse(terms.parameters))
        resamplers = [Resampler(terms.timeframe, each) for each in definition.higher]
        return _BuiltInEvaluator(
            strategy=strategy,
            resamplers=dict(zip(definition.higher, resamplers, strict=True)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _BuiltInEvaluator:
    strategy: Strategy
    resamplers: Mapping[Timeframe, Resampler]

    async def replay(self, candles: Sequence[Candle]) -> None:
        for candle in candles:
            self._push(candle, PositionSide.FLAT)

    async def decide(self, candle: Candle, side: PositionSide) -> Sequence[Decision]:
        return self._push(candle, side)

    async def close(self) -> None:
        """Nothing is open."""

    def _push(self, candle: Candle, side: PositionSide) -> Sequence[Decision]:
        closed = {}
        for timeframe, resampler in self.resamplers.items():
            larger = resampler.push(candle)
            if larger is not None:
                closed[timeframe] = larger
        try:
            return self.strategy.on_bar(_new_bars(base=candle, closed=closed), side)
        except Exception as error:  # of the strategy
            raise StrategyFailed(f"{type(error).__name__}: {error}") from error
