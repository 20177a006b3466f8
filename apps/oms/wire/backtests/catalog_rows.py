"""Strategies of the catalogue as JSON."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.market.timeframe import Timeframe
from oms.domain.money import decimal_text
from oms.strategies.catalog import Number, Parameter, StrategyDefinition
from oms.wire.market.candle_bodies import TimeframeText
from oms.wire.responses.value_types import Count

_ANY_BASE = Timeframe.HOUR


class CatalogRow(TypedDict):
    """One version of a strategy."""

    name: str
    version: str
    summary: str
    timeframe: Annotated[
        TimeframeText | None, Field(description="The only one that it runs on; null: any.")
    ]
    higher: Annotated[
        list[TimeframeText], Field(description="Larger timeframes whose candles it uses, too.")
    ]
    parameters: Annotated[
        dict[str, Any], Field(description="JSON Schema of its parameters, with their defaults.")
    ]
    warmup: Annotated[
        dict[str, Count],
        Field(
            description="Closed candles before its first decision with the defaults, by timeframe;"
            " base: of the timeframe that it runs on."
        ),
    ]


def catalog_row(definition: StrategyDefinition) -> CatalogRow:
    """Return a strategy of the catalogue."""
    base = definition.base or _ANY_BASE
    warmup = definition.make(base, definition.parse({})).warmup()
    return {
        "name": definition.name,
        "version": definition.version,
        "summary": definition.summary,
        "timeframe": None if definition.base is None else definition.base.value,
        "higher": [each.value for each in definition.higher],
        "parameters": {
            "type": "object",
            "properties": {each.name: _schema(each) for each in definition.parameters},
            "additionalProperties": False,
        },
        "warmup": {_name(timeframe, definition): count for timeframe, count in warmup.items()},
    }


def _name(timeframe: Timeframe, definition: StrategyDefinition) -> str:
    is_any = definition.base is None and timeframe is _ANY_BASE
    return "base" if is_any else timeframe.value


def _schema(parameter: Parameter) -> dict[str, Any]:
    """Return the schema of a parameter; decimals are text, as everywhere."""
    if isinstance(parameter.default, int):
        return {
            "type": "integer",
            "default": parameter.default,
            "minimum": parameter.minimum,
            "maximum": parameter.maximum,
        }
    return {
        "type": "string",
        "format": "decimal",
        "default": _text(parameter.default),
        "x-minimum": _text(parameter.minimum),
        "x-maximum": _text(parameter.maximum),
    }


def _text(number: Number) -> str:
    return decimal_text(Decimal(number))
