"""What a process of strategies does: loads their code and gives one of them its candles."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from oms.adapters.strategy_code.calculations import CALCULATIONS, Calculation, StartedRun
from oms.adapters.strategy_code.frames import CONTINUES, Message
from oms.adapters.strategy_code.process_limits import DecisionClock
from oms.adapters.strategy_code.strategy_files import (
    LoadedStrategy,
    describe_strategies,
    load_strategies,
)
from oms.adapters.strategy_code.timed_strategy import TimedStrategy
from oms.backtest.lookahead import candles_checked
from oms.domain.errors import Invalid, NotFound
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.strategies.catalog import Number
from oms.strategies.description import LoadError
from oms.strategies.strategy import Bars, BatchStrategy, PositionSide, Strategy
from oms.wire.strategies.messages import (
    decode_bars,
    decode_candle,
    encode_catalog,
    encode_decision,
    encode_parameters,
    encode_warmup,
)

Started = TypeVar("Started")

#: Code is loaded within so many times the time of a decision: a first import may take long.
LOAD_FACTOR = 10


class StrategyHost:
    """The strategies of one process, and the one that is started."""

    def __init__(self, path: Path | None, clock: DecisionClock) -> None:
        self._path = path
        self._clock = clock
        self._run: StartedRun | None = None
        self._strategy: Strategy | None = None
        self._calculation: Calculation | None = None
        self._kept: list[Candle] = []

    def operations(self) -> Mapping[str, Callable[[Message], Message]]:
        """Return what messages may ask for, by name."""
        return {
            "catalog": self.catalog,
            "start": self.start,
            "on_bars": self.on_bars,
            "begin": self.begin,
            "push": self.push,
            "keep": self.keep,
            "push_kept": self.push_kept,
            "finish": self.finish,
        }

    def catalog(self, _: Message) -> Message:
        """Return all strategies."""
        with self._clock.limit(LOAD_FACTOR):
            return encode_catalog(describe_strategies(self._path))

    def start(self, message: Message) -> Message:
        """Build a strategy. Raises ``NotFound``, ``Invalid``."""
        base = Timeframe(message["timeframe"])
        with self._clock.limit(LOAD_FACTOR):
            loaded = self._find(message["name"])
            definition = loaded.definition
            parameters = definition.parse(message["parameters"])
            strategy = self._build(loaded, base, parameters)
            warmup = encode_warmup(strategy.warmup())
        self._strategy = strategy
        self._run = StartedRun(
            make=lambda: self._build(loaded, base, parameters), base=base, higher=definition.higher
        )
        return {
            "name": definition.name,
            "version": definition.version,
            "code_hash": loaded.code_hash,
            "parameters": encode_parameters(parameters),
            "warmup": warmup,
            "higher": [each.value for each in definition.higher],
            "checked_candles": candles_checked(strategy, base),
        }

    def on_bars(self, message: Message) -> Message:
        """Give candles to the started strategy."""
        strategy = _started(self._strategy)
        side = PositionSide(message["side"])
        bars = [decode_bars(row) for row in message["bars"]]
        _preview(strategy, bars)
        decided = [strategy.on_bar(each, side) for each in bars]
        return {"decisions": [[encode_decision(each) for each in found] for found in decided]}

    def begin(self, message: Message) -> Message:
        """Begin a calculation with the started strategy. Raises ``Invalid``."""
        self._calculation = CALCULATIONS[message["calculation"]](_started(self._run), message)
        return {}

    def push(self, message: Message) -> Message:
        """Give candles to the calculation."""
        return _started(self._calculation).push(_decode_candles(message))

    def keep(self, message: Message) -> Message:
        """Keep candles for calculations."""
        self._kept += _decode_candles(message)
        return {}

    def push_kept(self, _: Message) -> Message:
        """Give the kept candles to the calculation."""
        return _started(self._calculation).push(self._kept)

    def finish(self, _: Message) -> Message:
        """Return the result of the calculation, which ends, or the next part of it."""
        found = _started(self._calculation).finish()
        if not found.get(CONTINUES, False):
            self._calculation = None
        return found

    def _build(
        self, loaded: LoadedStrategy, base: Timeframe, parameters: Mapping[str, Number]
    ) -> Strategy:
        return TimedStrategy(loaded.definition.make(base, parameters), self._clock)

    def _find(self, name: str) -> LoadedStrategy:
        """Return a loaded strategy. Raises ``NotFound``, with what could not be loaded."""
        strategies, errors = self._loaded
        for each in strategies:
            if each.definition.name == name:
                return each
        known = ", ".join(each.definition.name for each in strategies)
        failed = "".join(f"; {each.message}" for each in errors)
        raise NotFound(
            f"no strategy {name[:64]!r}; there are {known}{failed}", reason="unknown_strategy"
        )

    @cached_property
    def _loaded(self) -> tuple[list[LoadedStrategy], list[LoadError]]:
        return load_strategies(self._path)


def _decode_candles(message: Message) -> list[Candle]:
    return [decode_candle(row) for row in message["candles"]]


def _preview(strategy: Strategy, bars: Sequence[Bars]) -> None:
    if isinstance(strategy, BatchStrategy):
        strategy.preview([each.base for each in bars])


def _started(found: Started | None) -> Started:
    if found is None:
        raise Invalid("no strategy is started")
    return found
