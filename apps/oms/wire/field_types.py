"""Field types of requests: ids, exact decimals, enumerations, times; each parsed from its text.

The types are for pydantic's strict mode. Errors have a type and an English message that never
repeats the sent value.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from oms.domain.commands.command import StopMode
from oms.domain.ids import ID_MAX
from oms.domain.money import NotADecimal, parse_decimal
from oms.domain.orders.order import OrderState, Side
from oms.domain.orders.order_types import ORDER_TYPE_NAMES

DEPTH_MAX = 32
"""Maximum nesting depth of ``params`` and call arguments."""

FREE_VALUES_MAX = 2000
"""Maximum number of values in ``params`` and call arguments."""

INTEGER_MAX = 2**64 - 1
IDS_MAX = 1000
LEVELS_MAX = 100
"""Maximum number of levels per side of a manual order book."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DIGITS_READ_MAX = 64
_IDS_CHARACTERS_MAX = 64 * 1024

_TIMES_IN_FORCE = {name: name for name in ("GTC", "IOC", "FOK", "GTD", "PO")}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_STOP_MODES = {mode.value: mode for mode in StopMode}
_ORDER_WORDS = {state.value: state.value for state in OrderState}
_ROW_KINDS = {name: name for name in ("order", "deal")}

Value = TypeVar("Value")


def _id_schema(least: int) -> WithJsonSchema:
    """JSON schema of an id: an integer or its decimal digits."""
    number = {"type": "integer", "minimum": least, "maximum": ID_MAX}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": "^[0-9]{1,16}$"}]})


def enum_schema(options: Iterable[str]) -> WithJsonSchema:
    """JSON schema of an enumeration; values are case-insensitive."""
    return WithJsonSchema({"type": "string", "enum": sorted(options)})


_DECIMAL_TEXT = {"type": "string", "pattern": r"^[0-9]{1,18}(\.[0-9]{1,18})?$"}
_POSITIVE = WithJsonSchema(
    {"anyOf": [_DECIMAL_TEXT, {"type": "number", "exclusiveMinimum": 0, "maximum": 1e15}]}
)
_IDS_TEXT = WithJsonSchema({"type": "string", "pattern": "^ *[0-9]{1,16}( *, *[0-9]{1,16})* *$"})
_LEVEL = WithJsonSchema(
    {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": ["string", "number", "null"]}}
)


def read_id(value: object, least: int = 1) -> int:
    """Parse an id: an integer or its decimal string, from ``least`` to 2^53 - 1."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    if type(value) is not int:  # a bool is none either
        raise PydanticCustomError("id", "an id is an integer or its decimal digits")
    if not least <= value <= ID_MAX:
        raise PydanticCustomError("id", f"an id is between {least} and 2^53 - 1")
    return value


def read_ids(text: object, least: int = 1) -> tuple[int, ...]:
    """Parse comma-separated ids; empty parts are skipped."""
    if not isinstance(text, str):
        raise PydanticCustomError("ids", "ids are comma-separated text")
    if len(text) > _IDS_CHARACTERS_MAX:
        raise PydanticCustomError("ids", f"at most {IDS_MAX} ids")
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > IDS_MAX:
        raise PydanticCustomError("ids", f"at most {IDS_MAX} ids")
    return tuple(read_id(part, least) for part in parts if part)


def read_accounts(value: object) -> tuple[int, ...]:
    """Parse account ids of a body: a list or comma-separated text; invalid ids are skipped.

    An empty list or text means none.
    """
    if not isinstance(value, (str, list)):
        raise PydanticCustomError("ids", "account_ids is a list or comma-separated text")
    if len(value) > _IDS_CHARACTERS_MAX:
        raise PydanticCustomError("ids", f"at most {IDS_MAX} accounts")
    parts = value.split(",") if isinstance(value, str) else value
    texts = [str(part).strip() for part in parts if not isinstance(part, bool)]
    ids = dict.fromkeys(
        int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= 16
    )
    ids.pop(0, None)
    if value and not ids:
        raise PydanticCustomError("ids", "account_ids is required")
    if len(ids) > IDS_MAX:
        raise PydanticCustomError("ids", f"at most {IDS_MAX} accounts")
    return tuple(ids)


def read_amount(value: object) -> Decimal:
    """Parse a decimal other than zero, in the format of ``read_positive``."""
    if isinstance(value, str) and value.startswith("-"):
        return read_positive(value[1:]).copy_negate()  # ``-`` would round to 28 digits
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value < 0:
        return read_positive(Decimal(value).copy_negate()).copy_negate()
    return read_positive(value)


def read_level(value: object) -> tuple[Decimal, Decimal | None]:
    """Parse ``[price, quantity]`` of an order book; quantity null: unlimited."""
    if not isinstance(value, list) or len(value) != 2:
        raise PydanticCustomError("level", "a level is [price, quantity]")
    price, qty = value
    return read_positive(price), None if qty is None else read_positive(qty)


def read_positive(value: object) -> Decimal:
    """Parse a decimal above zero from text or a JSON number, within 18 + 18 digits, exactly."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise PydanticCustomError("decimal", "the text is not a decimal number")
    elif isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise PydanticCustomError("decimal", "a number or numeric text is expected")
    elif isinstance(value, Decimal) and len(value.as_tuple().digits) > _DIGITS_READ_MAX:
        raise PydanticCustomError("decimal", "the number has too many digits")
    try:
        number = parse_decimal(value)
    except NotADecimal as error:
        raise PydanticCustomError("decimal", "{why}", {"why": str(error)}) from None
    if number <= 0:
        raise PydanticCustomError("decimal", "the number must be greater than 0")
    return number


def read_time(value: object) -> datetime:
    """Parse a time from RFC 3339 text; without offset it is UTC."""
    if not isinstance(value, str) or len(value) < len("2026-02-25") or len(value) > 40:
        raise PydanticCustomError("time", "a time is RFC 3339 text")
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("time", "a time is RFC 3339 text") from None


def read_json(value: object) -> Any:
    """Convert a free JSON value to plain JSON types; decimals become ``float``, as in ccxt.

    Refuses nesting deeper than ``DEPTH_MAX``, more than ``FREE_VALUES_MAX`` values, numbers without
    a finite double, and huge integers.
    """
    return _read_json(value, DEPTH_MAX, iter(range(FREE_VALUES_MAX)))


def _read_json(value: object, depth: int, remaining: Iterator[int]) -> Any:
    """Convert ``value``; ``remaining`` is the number of values that may follow."""
    if depth == 0:
        raise PydanticCustomError("json", f"nested deeper than {DEPTH_MAX} levels")
    if next(remaining, None) is None:
        raise PydanticCustomError("json", f"more than {FREE_VALUES_MAX} values")
    if isinstance(value, dict):
        return {key: _read_json(item, depth - 1, remaining) for key, item in value.items()}
    if isinstance(value, list):
        return [_read_json(item, depth - 1, remaining) for item in value]
    if isinstance(value, Decimal):
        number = float(value)
        if not math.isfinite(number):
            raise PydanticCustomError("json", "a number is out of range")
        return number
    if isinstance(value, int) and not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise PydanticCustomError("json", "an integer is out of range")
    return value


def _read_object(value: object) -> Any:
    if not isinstance(value, dict):
        raise PydanticCustomError("object", "an object is expected")
    return read_json(value)


def _option_parser(
    options: Mapping[str, Value], normalize: Callable[[str], str]
) -> Callable[[object], Value]:
    names = ", ".join(options)

    def read(value: object) -> Value:
        if isinstance(value, str) and (parsed := options.get(normalize(value))) is not None:
            return parsed
        raise PydanticCustomError("enum", "one of {listed} is expected", {"listed": names})

    return read


Id = Annotated[int, PlainValidator(read_id), _id_schema(1)]
IdOrZero = Annotated[int, PlainValidator(lambda value: read_id(value, 0)), _id_schema(0)]
AccountIds = Annotated[
    tuple[int, ...],
    PlainValidator(lambda value: read_accounts(value)),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": ["integer", "string"]}}),
]
IdsText = Annotated[tuple[int, ...], PlainValidator(lambda text: read_ids(text)), _IDS_TEXT]
IdsOrZeroText = Annotated[
    tuple[int, ...], PlainValidator(lambda text: read_ids(text, 0)), _IDS_TEXT
]
Positive = Annotated[Decimal, PlainValidator(read_positive), _POSITIVE]
HoldSeconds = Annotated[int, Field(ge=1, le=315_360_000)]
Moment = Annotated[
    datetime,
    PlainValidator(read_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
JsonObject = Annotated[
    dict[str, Any], PlainValidator(_read_object), WithJsonSchema({"type": "object"})
]
JsonList = Annotated[list[Any], PlainValidator(read_json), WithJsonSchema({"type": "array"})]
SideWord = Annotated[Side, PlainValidator(_option_parser(_SIDES, str.lower)), enum_schema(_SIDES)]
OrderType = Annotated[
    str, PlainValidator(_option_parser(ORDER_TYPE_NAMES, str.lower)), enum_schema(ORDER_TYPE_NAMES)
]
StopModeWord = Annotated[
    StopMode, PlainValidator(_option_parser(_STOP_MODES, str.lower)), enum_schema(_STOP_MODES)
]
OrderStatus = Annotated[
    str, PlainValidator(_option_parser(_ORDER_WORDS, str.upper)), enum_schema(_ORDER_WORDS)
]
RowKind = Annotated[
    str, PlainValidator(_option_parser(_ROW_KINDS, str.lower)), enum_schema(_ROW_KINDS)
]
TimeInForce = Annotated[
    str, PlainValidator(_option_parser(_TIMES_IN_FORCE, str.upper)), enum_schema(_TIMES_IN_FORCE)
]
Amount = Annotated[
    Decimal,
    PlainValidator(read_amount),
    WithJsonSchema({"type": ["string", "number"], "pattern": _DECIMAL_TEXT["pattern"]}),
]
LevelPair = Annotated[tuple[Decimal, Decimal | None], PlainValidator(read_level), _LEVEL]
Currency = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,20}$")]
Symbol = Annotated[str, Field(min_length=1, max_length=64)]
Reason = Annotated[str, Field(min_length=1, max_length=32)]
Comment = Annotated[str, Field(max_length=255)]
RequestId = Annotated[str, Field(min_length=1, max_length=128)]
ClientOrderId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,128}$")]
