"""Evaluation of a strategy: the interface of a bot to the code of its strategy.

The runner evaluates in processes of their own, one for each symbol; a replay of the gateway's own
strategies evaluates in its process. Larger candles are made here, so that both see the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from oms.domain.bots.bot import BotTerms
from oms.domain.errors import Conflict
from oms.domain.market.candle import Candle
from oms.domain.market.resampler import Resampler
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import constructor
from oms.ports.market.candle_store import CandleSeries
from oms.ports.research.strategy_process import (
    StrategyFailed,
    StrategyProcess,
    StrategyProcesses,
    StrategyStart,
)
from oms.services.research.start_strategy import StartStrategy
from oms.strategies.catalog import StrategyDefinition, built_in_strategy
from oms.strategies.strategy import Bars, Decision, PositionSide, Strategy

_new_bars = constructor(Bars)


class Evaluator(Protocol):
    """A strategy on the closed candles of one symbol, in ascending order."""

    async def replay(self, candles: Sequence[Candle]) -> None:
        """Let the strategy see candles without deciding. Raises ``StrategyFailed``."""
        ...

    async def decide(self, candle: Candle, side: PositionSide) -> Sequence[Decision]:
        """Return what it decides at the close of the next candle. Raises ``StrategyFailed``."""
        ...

    async def close(self) -> None:
        """End the evaluation. Raises nothing."""
        ...


class Evaluators(Protocol):
    """Opens evaluations."""

    async def open(self, terms: BotTerms, series: CandleSeries) -> Evaluator:
        """Return an evaluation that has seen nothing yet. Raises ``StrategyFailed``."""
        ...


class LargerCandles:
    """Completes the candles of the higher timeframes of a strategy."""

    def __init__(self, base: Timeframe, higher: Sequence[Timeframe]) -> None:
        self._resamplers = {each: Resampler(base, each) for each in higher}

    def push(self, candle: Candle) -> Bars:
        """Return the candle with the larger ones that closed with it."""
        closed = {}
        for timeframe, resampler in self._resamplers.items():
            larger = resampler.push(candle)
            if larger is not None:
                closed[timeframe] = larger
        return _new_bars(base=candle, closed=closed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEvaluators:
    """Opens strategies in processes of their own, and pins their versions.

    One of a user that has not passed the look-ahead check with its parameters is checked on the
    stored candles before its bot runs.
    """

    processes: StrategyProcesses
    start: StartStrategy

    async def open(self, terms: BotTerms, series: CandleSeries) -> Evaluator:
        """Start a strategy. Raises ``StrategyFailed``, ``Invalid``, ``Unavailable``.

        One that is not there any more, or whose code has changed, raises the first as well; one
        that reads later candles the second, with the reason ``lookahead_detected``.
        """
        process = await self.processes.open()
        try:
            request = StrategyStart(
                name=terms.strategy, timeframe=terms.timeframe, parameters=terms.parameters
            )
            is_own = built_in_strategy(terms.strategy) is None
            pinned = await self.start(process, request, series if is_own else None)
            started = pinned.started
            if started.version != terms.version:
                found = f"strategy {started.name} has version {started.version}"
                raise StrategyFailed(f"{found}, the bot has {terms.version}", reason="code_changed")
        except Conflict as error:
            await process.close()
            raise StrategyFailed(error.message, reason="code_changed") from None
        except BaseException:
            await process.close()
            raise
        return _ProcessEvaluator(
            process=process, larger=LargerCandles(terms.timeframe, started.higher)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ProcessEvaluator:
    process: StrategyProcess
    larger: LargerCandles

    async def replay(self, candles: Sequence[Candle]) -> None:
        if candles:
            bars = [self.larger.push(candle) for candle in candles]
            await self.process.on_bars(bars, PositionSide.FLAT)

    async def decide(self, candle: Candle, side: PositionSide) -> Sequence[Decision]:
        return (await self.process.on_bars([self.larger.push(candle)], side))[0]

    async def close(self) -> None:
        await self.process.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnProcessEvaluators:
    """Opens strategies in this process."""

    #: Returns a strategy. Raises ``NotFound``.
    find_strategy: Callable[[str], StrategyDefinition]

    async def open(self, terms: BotTerms, series: CandleSeries) -> Evaluator:
        """Return a new strategy. Raises ``NotFound``, ``Invalid``."""
        del series
        definition = self.find_strategy(terms.strategy)
        parameters: Mapping[str, int | str] = dict(terms.parameters)  # type: ignore[arg-type]
        return _OwnProcessEvaluator(
            strategy=definition.make(terms.timeframe, definition.parse(parameters)),
            larger=LargerCandles(terms.timeframe, definition.higher),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnProcessEvaluator:
    strategy: Strategy
    larger: LargerCandles

    async def replay(self, candles: Sequence[Candle]) -> None:
        for candle in candles:
            self.strategy.on_bar(self.larger.push(candle), PositionSide.FLAT)

    async def decide(self, candle: Candle, side: PositionSide) -> Sequence[Decision]:
        return self.strategy.on_bar(self.larger.push(candle), side)

    async def close(self) -> None:
        """Nothing is open."""
