"""Values of the messages between the runner and a process of strategies, as JSON.

Prices are decimal text and times counts of milliseconds, so nothing is rounded on the way.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import constructor
from oms.strategies.catalog import Number, Parameter
from oms.strategies.description import LoadedCatalog, LoadError, StrategyDescription
from oms.strategies.strategy import Action, Bars, Decision
from oms.wire.strategies.parameters_json import parameters_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_new_candle, _new_bars = constructor(Candle), constructor(Bars)
_PRICES = ("stop_loss", "stop_gain", "risk_pct")


def encode_time(time: datetime) -> int:
    """Return milliseconds since 1970."""
    return (time - _EPOCH) // _MILLISECOND


def decode_time(milliseconds: int) -> datetime:
    """Return the time of ``encode_time``."""
    return _EPOCH + milliseconds * _MILLISECOND


def encode_candle(candle: Candle) -> list[Any]:
    """Return open time, open, high, low, close and volume."""
    volume = candle.volume
    return [
        encode_time(candle.open_time),
        *(str(candle.open), str(candle.high), str(candle.low), str(candle.close)),
        None if volume is None else str(volume),
    ]


def decode_candle(row: Sequence[Any]) -> Candle:
    """Return the candle of ``encode_candle``."""
    return _new_candle(
        open_time=_EPOCH + row[0] * _MILLISECOND,
        open=Decimal(row[1]),
        high=Decimal(row[2]),
        low=Decimal(row[3]),
        close=Decimal(row[4]),
        volume=None if row[5] is None else Decimal(row[5]),
    )


def encode_bars(bars: Bars) -> list[Any]:
    """Return the base candle, and the closed ones by timeframe."""
    closed = {each.value: encode_candle(candle) for each, candle in bars.closed.items()}
    return [encode_candle(bars.base), closed]


def decode_bars(row: Sequence[Any]) -> Bars:
    """Return the bars of ``encode_bars``."""
    closed = {Timeframe(name): decode_candle(candle) for name, candle in row[1].items()}
    return _new_bars(base=decode_candle(row[0]), closed=closed)


def check_decision(decision: object) -> Decision:
    """Return a decision of a strategy. Raises ``ValueError`` for what is none."""
    if not isinstance(decision, Decision) or not isinstance(decision.action, Action):
        raise ValueError(f"{decision!r} is no Decision")
    for name in _PRICES:
        number = getattr(decision, name)
        if number is None:
            continue
        if not isinstance(number, Decimal) or not number.is_finite() or number <= 0:
            raise ValueError(f"{name} {number!r} of a decision is no Decimal above 0")
    return decision


def encode_decision(decision: Decision) -> dict[str, str]:
    """Return the fields that are set."""
    numbers = {name: getattr(decision, name) for name in _PRICES}
    return {
        "action": decision.action.value,
        **{name: str(number) for name, number in numbers.items() if number is not None},
    }


def decode_decision(fields: Mapping[str, str]) -> Decision:
    """Return the decision of ``encode_decision``. Raises ``ValueError``."""
    try:
        numbers = {name: Decimal(fields[name]) for name in _PRICES if name in fields}
    except InvalidOperation as problem:
        raise ValueError("a decision has a price that is no number") from problem
    return Decision(action=Action(fields["action"]), **numbers)


def encode_warmup(warmup: Mapping[Timeframe, int]) -> dict[str, int]:
    """Return the counts of candles by timeframe. Raises ``ValueError`` for what is none."""
    counts = {Timeframe(each).value: count for each, count in warmup.items()}
    if bad := [count for count in counts.values() if not isinstance(count, int) or count < 0]:
        raise ValueError(f"warm-up {bad[0]!r} is no count of candles")
    return counts


def decode_warmup(counts: Mapping[str, int]) -> dict[Timeframe, int]:
    """Return the counts of ``encode_warmup``."""
    return {Timeframe(name): count for name, count in counts.items()}


def encode_parameters(parameters: Mapping[str, str | Number]) -> dict[str, int | str]:
    """Return parameters: whole numbers and text as they are, decimals as text."""
    return {
        name: each if isinstance(each, str) else parameters_json({name: each})[name]
        for name, each in parameters.items()
    }


def decode_parameters(fields: Mapping[str, int | str]) -> dict[str, Number]:
    """Return the numbers of parameters."""
    return {name: each if isinstance(each, int) else Decimal(each) for name, each in fields.items()}


def encode_description(description: StrategyDescription) -> dict[str, Any]:
    """Return a strategy of the catalogue as it is stored, too."""
    base = description.base
    return {
        "name": description.name,
        "version": description.version,
        "summary": description.summary,
        "base": None if base is None else base.value,
        "higher": [each.value for each in description.higher],
        "parameters": [_encode_parameter(each) for each in description.parameters],
        "warmup": encode_warmup(description.warmup),
        "source": description.source,
        "code_hash": description.code_hash,
    }


def decode_description(fields: Mapping[str, Any]) -> StrategyDescription:
    """Return the strategy of ``encode_description``."""
    return StrategyDescription(
        name=fields["name"],
        version=fields["version"],
        summary=fields["summary"],
        base=None if fields["base"] is None else Timeframe(fields["base"]),
        higher=[Timeframe(each) for each in fields["higher"]],
        parameters=[_decode_parameter(each) for each in fields["parameters"]],
        warmup=decode_warmup(fields["warmup"]),
        source=fields["source"],
        code_hash=fields["code_hash"],
    )


def encode_catalog(catalog: LoadedCatalog) -> dict[str, Any]:
    """Return strategies and errors."""
    return {
        "strategies": [encode_description(each) for each in catalog.strategies],
        "errors": [{"source": each.source, "message": each.message} for each in catalog.errors],
    }


def decode_catalog(fields: Mapping[str, Any]) -> LoadedCatalog:
    """Return the catalogue of ``encode_catalog``."""
    return LoadedCatalog(
        strategies=[decode_description(each) for each in fields["strategies"]],
        errors=[LoadError(**each) for each in fields["errors"]],
    )


def _encode_parameter(parameter: Parameter) -> dict[str, Any]:
    numbers = {
        "default": parameter.default,
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
    }
    return {"name": parameter.name, **parameters_json(numbers)}


def _decode_parameter(fields: Mapping[str, Any]) -> Parameter:
    numbers = {name: each for name, each in fields.items() if name != "name"}
    return Parameter(name=fields["name"], **decode_parameters(numbers))
