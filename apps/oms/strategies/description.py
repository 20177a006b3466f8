"""What is known of a strategy without its code: what it is called, takes and needs."""

from collections.abc import Iterable, Mapping, Sequence

from oms.domain.errors import Invalid
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.strategies.catalog import (
    Number,
    Parameter,
    StrategyDefinition,
    check_parameter_names,
    parse_parameters,
)

#: Timeframe with which the warm-up of a strategy is described that runs on any.
DESCRIBED_TIMEFRAME = Timeframe.HOUR


@value
class StrategyDescription:
    """A strategy of the catalogue; ``source`` is ``built_in``, a file or an entry point."""

    name: str
    version: str
    summary: str
    #: The timeframe that it always runs on; ``None``: any.
    base: Timeframe | None
    higher: Sequence[Timeframe]
    parameters: Sequence[Parameter]
    #: Closed candles before its first decision with the defaults; ``DESCRIBED_TIMEFRAME`` stands
    #: for the base of a strategy that runs on any.
    warmup: Mapping[Timeframe, int]
    source: str
    #: SHA-256 of its source.
    code_hash: str

    @property
    def is_built_in(self) -> bool:
        """Return whether its code is part of the gateway."""
        return self.source == BUILT_IN

    def parse(self, given: Mapping[str, str | Number]) -> dict[str, Number]:
        """Return all parameters, those not given with their defaults. Raises ``Invalid``."""
        return parse_parameters(self.name, self.parameters, given)

    def check_names(self, names: Iterable[str]) -> None:
        """Raise ``Invalid`` for a name that is none of its parameters."""
        check_parameter_names(self.name, self.parameters, names)

    def refuse_timeframe(self, timeframe: Timeframe) -> None:
        """Raise ``Invalid`` for a timeframe that it does not run on."""
        if self.base is not None and timeframe is not self.base:
            raise Invalid(f"strategy {self.name} runs on {self.base.value}, not {timeframe.value}")


@value
class LoadError:
    """A file or an entry point whose strategies could not be loaded."""

    source: str
    message: str


@value
class LoadedCatalog:
    """All strategies that could be loaded, the built-in ones first."""

    strategies: Sequence[StrategyDescription]
    errors: Sequence[LoadError] = ()


BUILT_IN = "built_in"
"""Source of the strategies that are part of the gateway."""


def describe(definition: StrategyDefinition, source: str, code_hash: str) -> StrategyDescription:
    """Return what is known of a definition. Raises what its ``build`` raises."""
    base = definition.base or DESCRIBED_TIMEFRAME
    return StrategyDescription(
        name=definition.name,
        version=definition.version,
        summary=definition.summary,
        base=definition.base,
        higher=definition.higher,
        parameters=definition.parameters,
        warmup=definition.make(base, definition.parse({})).warmup(),
        source=source,
        code_hash=code_hash,
    )


def find_description(
    name: str, descriptions: Iterable[StrategyDescription]
) -> StrategyDescription | None:
    """Return the description of a name, if there is one."""
    return next((each for each in descriptions if each.name == name), None)
