"""Vectorised strategies: a class whose ``generate_signals`` calculates a whole data frame.

The class is called with its parameters by name. ``generate_signals(data)`` returns 1, -1, 0 or NaN
for each row of ``data``: 1 is long, -1 ends a long position and is short, 0 and NaN are nothing.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.strategies.catalog import Number, Parameter, StrategyDefinition
from oms.strategies.signal_rule import decide_by_signal
from oms.strategies.strategy import Bars, Decision, PositionSide, Strategy

if TYPE_CHECKING:
    from pandas import DataFrame

METHOD = "generate_signals"
#: Bounds of a parameter that the class does not describe.
_LIMIT = 1_000_000_000
_COLUMNS = ("open", "high", "low", "close", "volume")
_NUMBERS = (int, float, Decimal)


def is_signal_class(found: object) -> bool:
    """Return whether it is a class with ``generate_signals``."""
    return inspect.isclass(found) and callable(getattr(found, METHOD, None))


def definition_of(rule: type) -> StrategyDefinition:
    """Return the definition of a class. Raises ``Invalid`` for attributes that are none.

    ``name`` is by default that of the class with underscores, ``version`` ``1``; ``timeframe`` is
    the only one that it runs on, ``warmup`` the candles before its first signal, ``parameters`` a
    list of ``Parameter``. Parameters that are not listed are the arguments with numbers as
    defaults.
    """
    base = getattr(rule, "timeframe", None)
    try:
        timeframe = None if base is None else Timeframe(base)
    except ValueError:
        raise Invalid(f"timeframe {base!r} of {rule.__name__}: {', '.join(Timeframe)}") from None
    defaults = _defaults(rule)
    parameters = tuple(getattr(rule, "parameters", None) or _parameters(defaults))
    warmup = getattr(rule, "warmup", 0)
    if not isinstance(warmup, int) or warmup < 0:
        raise Invalid(f"warmup {warmup!r} of {rule.__name__} is no count of candles")

    def build(at: Timeframe, given: Mapping[str, Number]) -> Strategy:
        arguments = {name: _argument(each, defaults.get(name)) for name, each in given.items()}
        return SignalStrategy(rule(**arguments), at, warmup)

    return StrategyDefinition(
        name=getattr(rule, "name", None) or _snake(rule.__name__),
        version=str(getattr(rule, "version", "1")),
        summary=(inspect.getdoc(rule) or "").partition("\n")[0],
        base=timeframe,
        higher=(),
        parameters=parameters,
        build=build,
    )


class SignalStrategy:
    """``Strategy`` and ``BatchStrategy`` of an object with ``generate_signals``."""

    def __init__(self, rule: Any, timeframe: Timeframe, warmup: int) -> None:
        self._rule = rule
        self._warmup = {timeframe: warmup}
        self._times: list[Any] = []
        self._columns: dict[str, list[float]] = {name: [] for name in _COLUMNS}
        #: Signals that are calculated and not given out yet, the next one last.
        self._signals: list[int] = []

    def warmup(self) -> Mapping[Timeframe, int]:
        """Return the candles before the first signal."""
        return self._warmup

    def preview(self, candles: Sequence[Candle]) -> None:
        """Calculate the signals of the candles that come next."""
        for candle in candles:
            self._add(candle)
        if candles:
            self._signals = self._calculate(len(candles))

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the decisions of the signal at this close."""
        if not self._signals:
            self.preview([bars.base])
        return decide_by_signal(self._signals.pop(), side)

    def _add(self, candle: Candle) -> None:
        self._times.append(candle.open_time)
        for name in _COLUMNS:
            number = getattr(candle, name)
            self._columns[name].append(float("nan") if number is None else float(number))

    def _calculate(self, count: int) -> list[int]:
        """Return the last ``count`` signals, the newest first. Raises ``ValueError``."""
        frame = self._frame()
        signals = self._rule.generate_signals(frame)
        if not hasattr(signals, "tolist") or len(signals) != len(frame):
            raise ValueError(f"{METHOD} returned no Series with a value for each row of the data")
        return [_signal(each) for each in reversed(signals.tolist()[-count:])]

    def _frame(self) -> "DataFrame":
        try:
            from pandas import DataFrame, DatetimeIndex
        except ImportError:
            raise Invalid(
                "strategies with generate_signals need pandas: pip install oms-gateway[research]"
            ) from None
        index = DatetimeIndex(self._times, name="time")
        return DataFrame(self._columns, index=index, dtype="float64")


def _signal(found: object) -> int:
    if not isinstance(found, _NUMBERS) or found not in (1, -1, 0):
        if isinstance(found, float) and found != found:  # NaN
            return 0
        raise ValueError(f"{METHOD} returned {found!r}: 1, -1, 0 or NaN is expected")
    return int(found)


def _defaults(rule: type) -> Mapping[str, object]:
    """Return the arguments of the class with their defaults. Raises ``Invalid`` without one."""
    defaults = {}
    for name, parameter in inspect.signature(rule).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is parameter.empty:
            raise Invalid(f"argument {name} of {rule.__name__} has no default")
        defaults[name] = parameter.default
    return defaults


def _parameters(defaults: Mapping[str, object]) -> Sequence[Parameter]:
    """Return a parameter for each argument whose default is a number."""
    found = []
    for name, default in defaults.items():
        if isinstance(default, bool) or not isinstance(default, _NUMBERS):
            continue
        is_whole = isinstance(default, int)
        limit: Number = _LIMIT if is_whole else Decimal(_LIMIT)
        number: Number = default if isinstance(default, int) else Decimal(str(default))
        found.append(Parameter(name=name, default=number, minimum=-limit, maximum=limit))
    return found


def _argument(number: Number, default: object) -> int | float | Decimal:
    """Return a parameter as the class has its default: a float where that is one."""
    return float(number) if isinstance(default, float) else number


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
