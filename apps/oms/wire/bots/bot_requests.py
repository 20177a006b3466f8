"""Bodies that create, change and stop bots."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, cast

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.bots.bot import SYMBOLS_MAX, BotMode
from oms.domain.market.timeframe import Timeframe
from oms.domain.signals.signal import Sizing, SizingKind
from oms.domain.value import value
from oms.wire.field_types import Id, Positive, enum_schema
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import malformed_at
from oms.wire.responses.value_types import one_of
from oms.wire.signals.source_requests import SizingFields

PERCENT_MAX = 100
LAG_SECONDS_MAX = 31 * 86_400
PARAMETERS_MAX = 100
KEEP, FLATTEN = "keep", "flatten"
_CLOSED = ConfigDict(extra="forbid", strict=True)

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\S(.*\S)?$")]
Text = Annotated[str, Field(min_length=1, max_length=64)]
Symbols = Annotated[list[Text], Field(min_length=1, max_length=SYMBOLS_MAX)]
TimeframeName = Annotated[str, one_of(*(each.value for each in Timeframe))]
ParameterValue = Annotated[int | str, Field(union_mode="left_to_right")]


class _OptionalFields(TypedDict, total=False):
    version: Text
    params: Annotated[dict[str, ParameterValue], Field(max_length=PARAMETERS_MAX)]
    exchange: Text
    mode: Annotated[str, enum_schema(BotMode)]
    allow_short: bool
    max_lag_seconds: Annotated[int, Field(ge=1, le=LAG_SECONDS_MAX)]
    stop_loss_pct: Positive | None
    take_profit_pct: Positive | None
    stop_trailing_pct: Positive | None


class RestartFields(_OptionalFields, total=False):
    """``POST /bots/{bot_id}/restart``: what decides which positions are its own stays."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    sizing: SizingFields


class BotChangeFields(_OptionalFields, total=False):
    """``PATCH /bots/{bot_id}``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    name: Name
    strategy: Text
    account_id: Id
    strategy_id: Id
    symbols: Symbols
    timeframe: TimeframeName
    sizing: SizingFields


class NewBotFields(_OptionalFields):
    """``POST /bots``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    name: Name
    strategy: Text
    account_id: Id
    strategy_id: Id
    symbols: Symbols
    timeframe: TimeframeName
    sizing: SizingFields


class StopFields(TypedDict, total=False):
    """``POST /bots/{bot_id}/stop``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    positions: Annotated[str, enum_schema((KEEP, FLATTEN))]


BOT_CHANGE = TypeAdapter(BotChangeFields)
RESTART = TypeAdapter(RestartFields)
NEW_BOT = TypeAdapter(NewBotFields)
STOP = TypeAdapter(StopFields)


@value
class BotRequest:
    """The fields of a new bot, or those of one that change; ``None``: not sent."""

    name: str | None = None
    strategy: str | None = None
    version: str | None = None
    parameters: Mapping[str, int | str] | None = None
    account_id: int | None = None
    strategy_id: int | None = None
    exchange: str | None = None
    symbols: tuple[str, ...] | None = None
    timeframe: Timeframe | None = None
    sizing: Sizing | None = None
    mode: BotMode | None = None
    allow_short: bool | None = None
    max_lag_seconds: int | None = None
    #: By name, the percentages that were sent; ``None`` removes one.
    percents: Mapping[str, Decimal | None]


def read_new_bot(body: object) -> BotRequest:
    """Parse the body of a new bot. Raises ``Malformed``."""
    return _request(validate(NEW_BOT, drop_nulls(require_object(body, ("body",))), ()))


def read_bot_change(body: object) -> BotRequest:
    """Parse the body of a change; a null percentage is removed. Raises ``Malformed``."""
    sent = require_object(body, ("body",))
    fields = validate(BOT_CHANGE, {**drop_nulls(sent), **_null_percents(sent)}, ())
    if not fields:
        raise malformed_at((), "a field to change is expected")
    return _request(fields)


def read_restart(body: object) -> BotRequest:
    """Parse the changes of a restart; without any the terms stay. Raises ``Malformed``."""
    sent = require_object(body, ("body",))
    fields = validate(RESTART, {**drop_nulls(sent), **_null_percents(sent)}, ())
    return _request(cast(BotChangeFields, fields))


def read_stop(body: object) -> bool:
    """Return whether the positions of a bot are closed before it stops. Raises ``Malformed``."""
    fields = validate(STOP, drop_nulls(require_object(body, ("body",))), ())
    return _word(fields, "positions", (KEEP, FLATTEN)) == FLATTEN


_PERCENTS = ("stop_loss_pct", "take_profit_pct", "stop_trailing_pct")


def _null_percents(sent: Mapping[str, Any]) -> dict[str, None]:
    return {name: None for name in _PERCENTS if name in sent and sent[name] is None}


def _request(fields: BotChangeFields | NewBotFields) -> BotRequest:
    percents: dict[str, Any] = {name: fields.get(name) for name in _PERCENTS if name in fields}
    for name, percent in percents.items():
        if percent is not None and percent >= PERCENT_MAX:
            raise malformed_at((name,), f"a percentage below {PERCENT_MAX} is expected")
    symbols, timeframe = fields.get("symbols"), fields.get("timeframe")
    if symbols is not None and len(set(symbols)) != len(symbols):
        raise malformed_at(("symbols",), "a symbol is named twice")
    mode = _word(fields, "mode", tuple(BotMode))
    return BotRequest(
        name=fields.get("name"),
        strategy=fields.get("strategy"),
        version=fields.get("version"),
        parameters=fields.get("params"),
        account_id=fields.get("account_id"),
        strategy_id=fields.get("strategy_id"),
        exchange=fields.get("exchange"),
        symbols=None if symbols is None else tuple(symbols),
        timeframe=None if timeframe is None else _timeframe(timeframe),
        sizing=_sizing(fields),
        mode=None if mode is None else BotMode(mode),
        allow_short=fields.get("allow_short"),
        max_lag_seconds=fields.get("max_lag_seconds"),
        percents=percents,
    )


def _sizing(fields: BotChangeFields | NewBotFields) -> Sizing | None:
    sizing = fields.get("sizing")
    if sizing is None:
        return None
    kind = _word(sizing, "kind", tuple(SizingKind), at=("sizing",))
    assert kind is not None, "it was validated"
    if kind == SizingKind.POSITION_PCT.value and sizing["value"] > PERCENT_MAX:
        raise malformed_at(("sizing", "value"), f"at most {PERCENT_MAX} percent are expected")
    return Sizing(kind=SizingKind(kind), value=sizing["value"])


def _timeframe(text: str) -> Timeframe:
    if text not in Timeframe.__members__.values():
        names = ", ".join(each.value for each in Timeframe)
        raise malformed_at(("timeframe",), f"one of {names} is expected", "enum")
    return Timeframe(text)


def _word(
    fields: Mapping[str, Any], name: str, words: tuple[str, ...], at: tuple[str, ...] = ()
) -> str | None:
    """Return a word of an enumeration in lower case; ``None`` if it was not sent."""
    text = fields.get(name)
    if text is None:
        return None
    if text.lower() not in words:
        raise malformed_at((*at, name), f"one of {', '.join(words)} is expected", "enum")
    return str(text.lower())
