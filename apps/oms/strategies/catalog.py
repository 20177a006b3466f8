"""The catalogue: strategies by name, with versions and parameters.

Nothing is replaced by a default that was not asked for: an unknown name raises ``NotFound`` with
the reason ``unknown_strategy``, an unknown or bad parameter ``Invalid``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from oms.domain.errors import Invalid, NotFound
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import NotADecimal, parse_decimal
from oms.domain.value import value
from oms.strategies.rules.hma_sma import HmaSma, HmaSmaParameters
from oms.strategies.rules.rsi import RsiBounds
from oms.strategies.rules.sma_cross import SmaCross
from oms.strategies.strategy import Strategy

Number = int | Decimal
LENGTH_MAX = 5000


@value
class Parameter:
    """A number that changes a strategy; a whole one if its default is an ``int``."""

    name: str
    default: Number
    minimum: Number
    maximum: Number

    def parse(self, given: str | Number) -> Number:
        """Return the number. Raises ``Invalid`` for another kind or one out of range."""
        whole = isinstance(self.default, int)
        try:
            number: Number = parse_decimal(given)
            if whole and number != int(number):
                raise NotADecimal("a whole number is required")
        except NotADecimal as problem:
            raise Invalid(f"parameter {self.name}: {given!r}: {problem}") from None
        if not self.minimum <= number <= self.maximum:
            raise Invalid(
                f"parameter {self.name}: {given} is not within {self.minimum} to {self.maximum}"
            )
        return int(number) if whole else number


def parse_parameters(
    strategy: str, parameters: Sequence[Parameter], given: Mapping[str, str | Number]
) -> dict[str, Number]:
    """Return all parameters, those not given with their defaults. Raises ``Invalid``."""
    check_parameter_names(strategy, parameters, given)
    return {
        each.name: each.parse(given[each.name]) if each.name in given else each.default
        for each in parameters
    }


def check_parameter_names(
    strategy: str, parameters: Sequence[Parameter], names: Iterable[str]
) -> None:
    """Raise ``Invalid`` for a name that is none of the parameters."""
    known = {each.name for each in parameters}
    if unknown := sorted(set(names) - known):
        raise Invalid(
            f"strategy {strategy} has no parameter {unknown[0]!r};"
            f" it has {', '.join(sorted(known)) or 'none'}"
        )


@value
class StrategyDefinition:
    """One version of a strategy in the catalogue."""

    name: str
    version: str
    summary: str
    #: The timeframe that it always runs on; ``None``: any.
    base: Timeframe | None
    higher: tuple[Timeframe, ...]
    parameters: Sequence[Parameter]
    build: Callable[[Timeframe, Mapping[str, Number]], Strategy]

    def parse(self, given: Mapping[str, str | Number]) -> dict[str, Number]:
        """Return all parameters, those not given with their defaults. Raises ``Invalid``."""
        return parse_parameters(self.name, self.parameters, given)

    def check_names(self, names: Iterable[str]) -> None:
        """Raise ``Invalid`` for a name that is none of its parameters."""
        check_parameter_names(self.name, self.parameters, names)

    def make(self, timeframe: Timeframe, parameters: Mapping[str, Number]) -> Strategy:
        """Return a new strategy. Raises ``Invalid`` for a timeframe that it does not run on."""
        if self.base is not None and timeframe is not self.base:
            raise Invalid(f"strategy {self.name} runs on {self.base.value}, not {timeframe.value}")
        return self.build(timeframe, parameters)


def find_strategy(name: str) -> StrategyDefinition:
    """Return a built-in definition. Raises ``NotFound``."""
    if (definition := built_in_strategy(name)) is not None:
        return definition
    known = ", ".join(each.name for each in CATALOG)
    raise NotFound(f"no strategy {name[:64]!r}; there are {known}", reason="unknown_strategy")


def built_in_strategy(name: str) -> StrategyDefinition | None:
    """Return a built-in definition, if there is one of this name."""
    return next((each for each in CATALOG if each.name == name), None)


def _length(name: str, default: int) -> Parameter:
    return Parameter(name=name, default=default, minimum=1, maximum=LENGTH_MAX)


def _factor(name: str, default: str, maximum: int) -> Parameter:
    return Parameter(
        name=name, default=Decimal(default), minimum=Decimal("0.01"), maximum=Decimal(maximum)
    )


def _whole(parameters: Mapping[str, Number], name: str) -> int:
    return int(parameters[name])


def _build_sma_cross(timeframe: Timeframe, parameters: Mapping[str, Number]) -> Strategy:
    fast, slow = _whole(parameters, "fast"), _whole(parameters, "slow")
    if fast >= slow:
        raise Invalid("parameter fast must be less than slow")
    return SmaCross(timeframe, fast=fast, slow=slow)


def _build_rsi(timeframe: Timeframe, parameters: Mapping[str, Number]) -> Strategy:
    lower, upper = Decimal(parameters["lower"]), Decimal(parameters["upper"])
    if lower >= upper:
        raise Invalid("parameter lower must be less than upper")
    return RsiBounds(timeframe, period=_whole(parameters, "period"), lower=lower, upper=upper)


def _build_hma_sma(_: Timeframe, parameters: Mapping[str, Number]) -> Strategy:
    return HmaSma(
        HmaSmaParameters(
            variant=_whole(parameters, "variant"),
            length=_whole(parameters, "length"),
            volume_length=_whole(parameters, "volume_length"),
            atr_length=_whole(parameters, "atr_length"),
            atr_pct_max=Decimal(parameters["atr_pct_max"]),
            stop_atrs=Decimal(parameters["stop_atrs"]),
            gain_atrs=Decimal(parameters["gain_atrs"]),
            risk_pct=Decimal(parameters["risk_pct"]),
        )
    )


CATALOG = (
    StrategyDefinition(
        name="hma_sma",
        version="1",
        summary="closes against an average and Hull averages of 1 and 4 hours",
        base=Timeframe.MINUTES_5,
        higher=(Timeframe.HOUR, Timeframe.HOURS_4),
        parameters=(
            Parameter(name="variant", default=1, minimum=1, maximum=3),
            Parameter(name="length", default=200, minimum=2, maximum=LENGTH_MAX),
            _length("volume_length", 20),
            _length("atr_length", 14),
            _factor("atr_pct_max", "3", 100),
            _factor("stop_atrs", "2", 100),
            _factor("gain_atrs", "4", 100),
            _factor("risk_pct", "1", 100),
        ),
        build=_build_hma_sma,
    ),
    StrategyDefinition(
        name="sma_cross",
        version="1",
        summary="the fast average of the closes crosses the slow one",
        base=None,
        higher=(),
        parameters=(_length("fast", 20), _length("slow", 50)),
        build=_build_sma_cross,
    ),
    StrategyDefinition(
        name="rsi",
        version="1",
        summary="the relative strength index passes its bounds",
        base=None,
        higher=(),
        parameters=(
            _length("period", 14),
            _factor("lower", "30", 100),
            _factor("upper", "70", 100),
        ),
        build=_build_rsi,
    ),
)
"""The built-in strategies."""
