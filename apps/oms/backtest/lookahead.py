"""The look-ahead check: does a strategy decide with candles that it cannot know yet?

The answer on the first k candles must equal the first k answers on all of them, for sampled k. A
strategy that is given one candle after the other cannot see a later one; one that calculates data
frames can, for instance with a shift by -1. An answer that differs from run to run is found, too.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.resampler import Resampler
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.strategies.strategy import (
    Action,
    Bars,
    BatchStrategy,
    Decision,
    PositionSide,
    Strategy,
)

SAMPLES_MAX = 24
CANDLES_MIN = 5000
"""Candles that are checked, or those of one and a half times the warm-up if that is more."""
_SIDES = {
    Action.LONG: PositionSide.LONG,
    Action.SHORT: PositionSide.SHORT,
    Action.LONG_EXIT: PositionSide.FLAT,
    Action.SHORT_EXIT: PositionSide.FLAT,
}
Answers = list[Sequence[Decision]]


@value
class LookaheadCheck:
    """What a check compared."""

    candles: int
    samples: int
    #: Decisions on all candles; without any the check proves little.
    decisions: int


def candles_checked(strategy: Strategy, base: Timeframe) -> int:
    """Return how many of the newest candles are checked."""
    length = base.length
    needed = 0
    for timeframe, count in strategy.warmup().items():
        own = timeframe.length
        parts = 1 if length is None or own is None else max(own // length, 1)
        needed = max(needed, count * parts)
    return max(CANDLES_MIN, needed + needed // 2)


def check_lookahead(
    make: Callable[[], Strategy],
    candles: Sequence[Candle],
    base: Timeframe,
    higher: Sequence[Timeframe],
) -> LookaheadCheck:
    """Compare the answers on parts of the candles with those on all.

    ``make`` returns a new strategy. Raises ``Invalid`` with the reason ``lookahead_detected``.
    """
    answers = _answers(make(), candles, base, higher)
    decided = [number for number, each in enumerate(answers) if each]
    is_batch = isinstance(make(), BatchStrategy)
    samples = _samples(len(candles), decided if is_batch else decided[:1])
    if not is_batch:
        samples = samples[-2:]
    for count in samples:
        part = _answers(make(), candles[:count], base, higher)
        for number, answer in enumerate(part):
            if list(answer) != list(answers[number]):
                _refuse(candles[number].open_time, candles[count - 1].open_time)
    return LookaheadCheck(candles=len(candles), samples=len(samples), decisions=len(decided))


def _refuse(at: datetime, last: datetime) -> None:
    message = (
        f"the decision at the candle of {at:%Y-%m-%d %H:%M} differs between a run that ends at"
        f" {last:%Y-%m-%d %H:%M} and a longer one: the strategy uses later candles, or its"
        " answers differ from run to run"
    )
    raise Invalid(message, reason="lookahead_detected")


def _samples(count: int, decided: Sequence[int]) -> list[int]:
    """Return numbers of candles: even parts of all, and those that end with a decision."""
    even = {count * part // 9 for part in range(1, 9)}
    chosen = SAMPLES_MAX - len(even)
    step = max(len(decided) // chosen, 1)
    ends = {number + 1 for number in decided[::step][:chosen]}
    return sorted(each for each in even | ends if 0 < each < count)


def _answers(
    strategy: Strategy, candles: Sequence[Candle], base: Timeframe, higher: Sequence[Timeframe]
) -> Answers:
    """Return the decisions at each candle, with the side that they lead to."""
    if isinstance(strategy, BatchStrategy):
        strategy.preview(candles)
    resamplers = {each: Resampler(base, each) for each in higher}
    side, answers = PositionSide.FLAT, Answers()
    for candle in candles:
        made = {each: resampler.push(candle) for each, resampler in resamplers.items()}
        closed = {each: larger for each, larger in made.items() if larger is not None}
        decisions = strategy.on_bar(Bars(base=candle, closed=closed), side)
        for decision in decisions:
            side = _SIDES[decision.action]
        answers.append(decisions)
    return answers
