"""What a process of strategies does: loads their code and gives one of them its candles."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from oms.adapters.strategy_code.frames import Message
from oms.adapters.strategy_code.process_limits import DecisionClock
from oms.adapters.strategy_code.strategy_files import (
    LoadedStrategy,
    describe_strategies,
    load_strategies,
)
from oms.domain.errors import Invalid, NotFound
from oms.domain.market.timeframe import Timeframe
from oms.strategies.description import LoadError
from oms.strategies.strategy import PositionSide, Strategy
from oms.wire.strategies.messages import (
    decode_bars,
    encode_catalog,
    encode_decision,
    encode_parameters,
    encode_warmup,
)

#: Code is loaded within so many times the time of a decision: a first import may take long.
LOAD_FACTOR = 10


class StrategyHost:
    """The strategies of one process, and the one that is started."""

    def __init__(self, path: Path | None, clock: DecisionClock) -> None:
        self._path = path
        self._clock = clock
        self._started: Strategy | None = None

    def operations(self) -> Mapping[str, Callable[[Message], Message]]:
        """Return what messages may ask for, by name."""
        return {"catalog": self.catalog, "start": self.start, "on_bars": self.on_bars}

    def catalog(self, _: Message) -> Message:
        """Return all strategies."""
        with self._clock.limit(LOAD_FACTOR):
            return encode_catalog(describe_strategies(self._path))

    def start(self, message: Message) -> Message:
        """Build a strategy. Raises ``NotFound``, ``Invalid``."""
        with self._clock.limit(LOAD_FACTOR):
            loaded = self.find(message["name"])
            definition = loaded.definition
            parameters = definition.parse(message["parameters"])
            strategy = definition.make(Timeframe(message["timeframe"]), parameters)
            warmup = encode_warmup(strategy.warmup())
        self._started = strategy
        return {
            "name": definition.name,
            "version": definition.version,
            "code_hash": loaded.code_hash,
            "parameters": encode_parameters(parameters),
            "warmup": warmup,
            "higher": [each.value for each in definition.higher],
        }

    def on_bars(self, message: Message) -> Message:
        """Give candles to the started strategy."""
        strategy = self._started
        if strategy is None:
            raise Invalid("no strategy is started")
        side = PositionSide(message["side"])
        answers = []
        for row in message["bars"]:
            bars = decode_bars(row)
            with self._clock.limit():
                decided = strategy.on_bar(bars, side)
                answers.append([encode_decision(each) for each in decided])
        return {"decisions": answers}

    def find(self, name: str) -> LoadedStrategy:
        """Return a loaded strategy. Raises ``NotFound``, and ``Invalid`` if its file failed."""
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
