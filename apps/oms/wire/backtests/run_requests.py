"""Requests for backtests."""

from decimal import Decimal
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from oms.backtest.settings import OPEN_PRESET, BacktestSettings, check_settings, contract_of
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import NotADecimal, parse_decimal
from oms.domain.risk.policy_keys import PRESETS
from oms.wire.backtests.run_figures import FOLDS_MAX, SORTABLE
from oms.wire.field_types import Moment
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import malformed_at
from oms.wire.responses.value_types import one_of

PARAMETERS_MAX = 64
_NUMBERS = ("initial_balance", "commission", "slippage", "position_pct", "volume_cap_pct")
_LEVELS = ("stop_loss_pct", "take_profit_pct", "stop_trailing_pct")


def _read_number(value: object) -> Decimal:
    """Parse an exact decimal of at least 0 from text or a JSON number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise PydanticCustomError("decimal", "a number or numeric text is expected")
    try:
        number = parse_decimal(value)
    except NotADecimal as error:
        raise PydanticCustomError("decimal", "{why}", {"why": str(error)}) from None
    if number < 0:
        raise PydanticCustomError("decimal", "the number must be at least 0")
    return number


def _read_parameter(value: object) -> str | int | Decimal:
    """Return the number of a parameter; the strategy knows its range."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise PydanticCustomError("decimal", "a number or numeric text is expected")
    return value


_NUMBER_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": r"^[0-9]{1,18}(\.[0-9]{1,18})?$"},
            {"type": "number", "minimum": 0, "maximum": 1e15},
        ]
    }
)
_Number = Annotated[Decimal, PlainValidator(_read_number), _NUMBER_SCHEMA]
_Parameter = Annotated[
    Any, PlainValidator(_read_parameter), WithJsonSchema({"type": ["string", "number"]})
]
_Axis = Annotated[
    str | list[_Parameter],
    Field(
        description="FROM:TO:STEP with both ends, or a list of numbers.", union_mode="left_to_right"
    ),
]
_Name = Annotated[str, Field(min_length=1, max_length=64)]


class RunFields(TypedDict, total=False):
    """``POST /backtests``."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]
    strategy: Required[_Name]
    version: _Name
    params: Annotated[dict[_Name, _Parameter], Field(max_length=PARAMETERS_MAX)]
    exchange: Required[_Name]
    symbol: Required[_Name]
    timeframe: Required[Annotated[str, one_of(*(each.value for each in Timeframe))]]
    start: Moment
    end: Moment
    initial_balance: _Number
    commission: _Number
    slippage: _Number
    position_pct: _Number
    allow_short: bool
    stop_loss_pct: _Number
    take_profit_pct: _Number
    stop_trailing_pct: _Number
    volume_cap_pct: _Number
    risk_preset: Annotated[str, one_of(*PRESETS)]


class SweepFields(RunFields, total=False):
    """``POST /backtests/sweep``; ``params`` are the same in all combinations."""

    grid: Required[Annotated[dict[_Name, _Axis], Field(min_length=1, max_length=16)]]
    where: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=32)]
    sort: Annotated[str, one_of(*SORTABLE)]
    folds: Annotated[int, Field(ge=1, le=FOLDS_MAX)]


RUN = TypeAdapter(RunFields)
SWEEP = TypeAdapter(SweepFields)

RUN_EXAMPLE = {
    "strategy": "sma_cross",
    "params": {"fast": 10, "slow": 40},
    "exchange": "binance",
    "symbol": "BTC/USDT",
    "timeframe": "1h",
}


SWEEP_EXAMPLE = {
    **{name: item for name, item in RUN_EXAMPLE.items() if name != "params"},
    "grid": {"fast": "5:30:5", "slow": [20, 50, 100]},
    "where": ["fast<slow"],
    "sort": "sharpe_ratio",
}


def read_sweep(body: object) -> SweepFields:
    """Return the fields of a request for a sweep. Raises ``Malformed``."""
    fields: SweepFields = validate(SWEEP, drop_nulls(require_object(body, ("body",))), ())
    timeframe_of(fields)
    if fields.get("sort", SORTABLE[0]) not in SORTABLE:
        message = f"one of {', '.join(SORTABLE)} is expected"
        raise malformed_at(("sort",), message, "enum")
    return fields


def axes_of(fields: SweepFields) -> list[str]:
    """Return the axes of a grid as ``parameter_grid.combinations_of`` reads them."""
    return [
        f"{name}={axis if isinstance(axis, str) else ','.join(str(each) for each in axis)}"
        for name, axis in fields["grid"].items()
    ]


def read_run(body: object) -> RunFields:
    """Return the fields of a request for a run. Raises ``Malformed``."""
    fields: RunFields = validate(RUN, drop_nulls(require_object(body, ("body",))), ())
    timeframe_of(fields)
    return fields


def timeframe_of(fields: RunFields) -> Timeframe:
    """Return the timeframe of a request. Raises ``Malformed``."""
    if fields.get("risk_preset", OPEN_PRESET) not in PRESETS:
        raise malformed_at(("risk_preset",), f"one of {', '.join(PRESETS)} is expected", "enum")
    try:
        return Timeframe(fields["timeframe"])
    except ValueError:
        message = f"one of {', '.join(Timeframe)} is expected"
        raise malformed_at(("timeframe",), message, "enum") from None


def settings_of(fields: RunFields, instrument: MarketInstrument) -> BacktestSettings:
    """Return the settings of a request on a stored instrument. Raises ``Invalid``."""
    given: dict[str, Any] = {name: fields[name] for name in (*_NUMBERS, *_LEVELS) if name in fields}  # type: ignore[literal-required]
    settings = BacktestSettings(
        instrument=contract_of(
            instrument.symbol,
            step=instrument.qty_step,
            tick=instrument.price_tick,
            min_notional=instrument.min_notional,
        ),
        timeframe=timeframe_of(fields),
        start=fields.get("start"),
        end=fields.get("end"),
        session=instrument.session,
        allow_short=fields.get("allow_short", False),
        risk_preset=fields.get("risk_preset", OPEN_PRESET),
        **given,
    )
    check_settings(settings)
    return settings
