"""The strategies that bots and backtests may name: built in, or loaded by the runner."""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.domain.errors import NotFound
from oms.domain.market.timeframe import Timeframe
from oms.ports.research.strategy_versions import StoredCatalog
from oms.strategies.catalog import CATALOG, Number, StrategyDefinition, built_in_strategy
from oms.strategies.description import StrategyDescription, find_description

AnyStrategy = StrategyDefinition | StrategyDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStrategies:
    """Finds strategies by name, without the code of those of users."""

    stored: StoredCatalog

    async def find(self, name: str) -> AnyStrategy:
        """Return a strategy. Raises ``NotFound`` (``unknown_strategy``), ``Unavailable``."""
        if (definition := built_in_strategy(name)) is not None:
            return definition
        catalog, _ = await self.stored.read()
        found = find_description(name, catalog.strategies)
        if found is None:
            names = [each.name for each in CATALOG] + [each.name for each in catalog.strategies]
            message = f"no strategy {name[:64]!r}; there are {', '.join(names)}"
            raise NotFound(message, reason="unknown_strategy")
        return found


def check_strategy(
    strategy: AnyStrategy, timeframe: Timeframe, given: Mapping[str, str | Number]
) -> dict[str, Number]:
    """Return all parameters. Raises ``Invalid`` for bad ones, or another timeframe."""
    parameters = strategy.parse(given)
    if isinstance(strategy, StrategyDefinition):
        strategy.make(timeframe, parameters)
    else:
        strategy.refuse_timeframe(timeframe)
    return parameters
