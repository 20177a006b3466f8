"""Bodies that create, change, rotate and test signal sources."""

from collections.abc import Mapping
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from oms.domain.signals.signal import LevelReference, SignalKind, SizingKind
from oms.domain.value import value
from oms.wire.admin.admin_schemas import Networks
from oms.wire.field_types import Comment, HoldSeconds, Id, IdOrZero, Positive, enum_schema
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import malformed_at
from oms.wire.signals.signal_requests import SL_PCT_MAX, TP_PCT_MAX, Signed, SymbolText

KEYS_MAX = 100
SYMBOLS_MAX = 500
KEEP_SECONDS_MAX = 7 * 86_400
KEEP_SECONDS = 3600
POSTED_KINDS = (SignalKind.BOUNCE, SignalKind.TRADE, SignalKind.TRADINGVIEW)
_CLOSED = ConfigDict(extra="forbid", strict=True)


def _read_secret(text: object) -> str:
    is_visible = isinstance(text, str) and text.isascii() and text.isprintable()
    if not isinstance(text, str) or not is_visible or not 8 <= len(text) <= 128:
        raise PydanticCustomError("secret", "8 to 128 printable ASCII characters")
    return text


SecretText = Annotated[
    str,
    PlainValidator(_read_secret),
    WithJsonSchema({"type": "string", "minLength": 8, "maxLength": 128, "pattern": "^[!-~]+$"}),
]
SourceName = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+( [A-Za-z0-9._-]+)*$")
]


class SizingFields(TypedDict):
    """How the quantity of an opening order is found."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    kind: Annotated[str, enum_schema(SizingKind)]
    value: Positive


class SettingFields(TypedDict, total=False):
    """Settings of a source."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    account_id: Id | None
    account_group_id: Id | None
    strategy_id: IdOrZero
    api_key_ids: Annotated[list[Id], Field(max_length=KEYS_MAX)]
    sizing: SizingFields
    tp_pct: Signed
    sl_pct: Signed
    tp_sl_base: Annotated[str, enum_schema(LevelReference)]
    stop_trailing_pct: Positive | None
    max_hold_seconds: HoldSeconds | None
    entry: Annotated[str, enum_schema(("new", "join"))]
    pyramiding_max: Annotated[int, Field(ge=0, le=1000)]
    reverse: bool
    max_age_seconds: Annotated[int, Field(ge=0, le=86_400)]
    queue_expiry_seconds: Annotated[int, Field(ge=1, le=86_400)]
    max_signal_slippage_pct: Signed
    symbol_map: Annotated[dict[str, SymbolText], Field(max_length=SYMBOLS_MAX)]
    rate_per_minute: Annotated[int, Field(ge=1, le=60_000)]
    require_signature: bool
    ip_allowlist: Networks
    comment: Comment | None


class SourceFields(SettingFields, total=False):
    """``POST /signals/sources``."""

    __pydantic_config__ = ConfigDict(  # type: ignore[misc]
        extra="forbid",
        strict=True,
        json_schema_extra={
            "anyOf": [{"required": ["account_id"]}, {"required": ["account_group_id"]}]
        },
    )
    name: Required[SourceName]
    kind: Required[Annotated[str, enum_schema(POSTED_KINDS)]]
    secret: SecretText
    generate_secret: bool


class SourceChangeFields(SettingFields, total=False):
    """``PATCH /signals/sources/{source_id}``."""

    name: SourceName
    status: Annotated[str, enum_schema(("active", "disabled"))]


class RotateFields(TypedDict, total=False):
    """``POST /signals/sources/{source_id}/rotate``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    path_token: bool
    secret: bool
    new_secret: SecretText
    keep_seconds: Annotated[int, Field(ge=0, le=KEEP_SECONDS_MAX)]
    comment: Comment | None


class TrialFields(TypedDict, total=False):
    """``POST /signals/sources/{source_id}/test``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    body: Required[dict[str, Any]]


SOURCE = TypeAdapter(SourceFields)
SOURCE_CHANGE = TypeAdapter(SourceChangeFields)
ROTATE = TypeAdapter(RotateFields)
TRIAL = TypeAdapter(TrialFields)

_WORDS = {
    "kind": POSTED_KINDS,
    "tp_sl_base": tuple(LevelReference),
    "entry": ("new", "join"),
    "status": ("active", "disabled"),
}


@value
class RotateSource:
    """What of a source is renewed, and how long the old values count."""

    path_token: bool
    secret: bool
    new_secret: str | None
    keep_seconds: int
    comment: str | None


def read_source(body: object) -> Mapping[str, Any]:
    """Return the fields of a new source. Raises ``Malformed``."""
    fields = _read(SOURCE, drop_nulls(require_object(body, ("body",))))
    targets = [fields.get("account_id"), fields.get("account_group_id")]
    if targets.count(None) != 1:
        raise malformed_at(("account_id",), "one of account_id and account_group_id is expected")
    if "secret" in fields and fields.get("generate_secret"):
        raise malformed_at(("secret",), "secret and generate_secret exclude each other")
    return fields


def read_source_change(body: object) -> Mapping[str, Any]:
    """Return the changed fields of a source. Raises ``Malformed``."""
    return _read(SOURCE_CHANGE, require_object(body, ("body",)))


def read_rotation(body: object) -> RotateSource:
    """Return what is to be renewed; both without a choice. Raises ``Malformed``."""
    fields = validate(ROTATE, require_object(body, ("body",)), ())
    has_choice = "path_token" in fields or "secret" in fields or "new_secret" in fields
    return RotateSource(
        path_token=fields.get("path_token", not has_choice),
        secret=fields.get("secret", not has_choice or "new_secret" in fields),
        new_secret=fields.get("new_secret"),
        keep_seconds=fields.get("keep_seconds", KEEP_SECONDS),
        comment=fields.get("comment"),
    )


def read_trial(body: object) -> Mapping[str, Any]:
    """Return the body of a signal to be tried. Raises ``Malformed``."""
    fields = validate(TRIAL, require_object(body, ("body",)), ())
    trial: Mapping[str, Any] = fields["body"]
    return trial


def _read(schema: TypeAdapter[Any], body: Mapping[str, object]) -> Mapping[str, Any]:
    fields: dict[str, Any] = validate(schema, body, ())
    for name, words in _WORDS.items():
        if name in fields:
            word = str(fields[name]).lower()
            if word not in words:
                raise malformed_at((name,), f"one of {', '.join(words)} is expected", "enum")
            fields[name] = word
    sizing = fields.get("sizing")
    if sizing is not None:
        kind = sizing["kind"].lower()
        if kind not in set(SizingKind):
            names = ", ".join(SizingKind)
            raise malformed_at(("sizing", "kind"), f"one of {names} is expected", "enum")
        fields["sizing"] = {**sizing, "kind": kind}
    for name, most in (
        ("tp_pct", TP_PCT_MAX),
        ("sl_pct", SL_PCT_MAX),
        ("max_signal_slippage_pct", TP_PCT_MAX),
    ):
        if name in fields and not 0 <= fields[name] < most:
            raise malformed_at((name,), f"0 or more and below {most} is expected")
    return fields
