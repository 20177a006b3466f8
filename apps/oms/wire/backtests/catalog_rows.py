"""Strategies of the catalogue as JSON."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.market.timeframe import Timeframe
from oms.domain.money import decimal_text
from oms.ports.research.strategy_versions import CatalogEntry, ShownCatalog
from oms.strategies.catalog import Number, Parameter
from oms.strategies.description import DESCRIBED_TIMEFRAME, StrategyDescription
from oms.wire.json import optional_time_text
from oms.wire.market.candle_bodies import TimeframeText
from oms.wire.responses.value_types import Count, TimeText


class CatalogVersion(TypedDict):
    """A version of a strategy that ran."""

    version: str
    code_hash: Annotated[str, Field(description="SHA-256 of its source.")]
    checked_at: Annotated[
        TimeText | None, Field(description="When its look-ahead check last passed.")
    ]


class CatalogError(TypedDict):
    """A file or an entry point that the runner could not load."""

    source: str
    message: str


class CatalogStrategyRow(TypedDict):
    """A strategy."""

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

    source: Annotated[
        str, Field(description="built_in, or the file or entry point that it comes from.")
    ]
    code_hash: Annotated[str, Field(description="SHA-256 of its source.")]
    checked_at: Annotated[
        TimeText | None,
        Field(description="When this code last passed the look-ahead check, if it did."),
    ]
    versions: Annotated[list[CatalogVersion], Field(description="Those that ran, the first first.")]


class CatalogBody(TypedDict):
    """All strategies."""

    items: list[CatalogStrategyRow]
    errors: Annotated[list[CatalogError], Field(description="What the runner could not load.")]
    loaded_at: Annotated[
        TimeText | None, Field(description="When the runner loaded the strategies of users.")
    ]


class ReloadBody(TypedDict):
    """What a runner loaded."""

    ok: bool
    loaded: list[str]
    errors: list[CatalogError]


def catalog_body(catalog: ShownCatalog) -> CatalogBody:
    """Return the catalogue."""
    return {
        "items": [catalog_row(each) for each in catalog.entries],
        "errors": [{"source": e.source, "message": e.message} for e in catalog.errors],
        "loaded_at": optional_time_text(catalog.loaded_at),
    }


def catalog_row(entry: CatalogEntry) -> CatalogStrategyRow:
    """Return a strategy of the catalogue."""
    strategy = entry.description
    return {
        "name": strategy.name,
        "version": strategy.version,
        "summary": strategy.summary,
        "timeframe": None if strategy.base is None else strategy.base.value,
        "higher": [each.value for each in strategy.higher],
        "parameters": {
            "type": "object",
            "properties": {each.name: _schema(each) for each in strategy.parameters},
            "additionalProperties": False,
        },
        "warmup": {_name(each, strategy): count for each, count in strategy.warmup.items()},
        "source": strategy.source,
        "code_hash": strategy.code_hash,
        "checked_at": optional_time_text(entry.checked_at),
        "versions": [
            {
                "version": each.version,
                "code_hash": each.code_hash,
                "checked_at": optional_time_text(each.checked_at),
            }
            for each in entry.versions
        ],
    }


def _name(timeframe: Timeframe, strategy: StrategyDescription) -> str:
    is_any = strategy.base is None and timeframe is DESCRIBED_TIMEFRAME
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
