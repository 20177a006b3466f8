"""Schemas of request bodies about users, keys, permissions, strategies and accounts."""

from collections.abc import Mapping
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from oms.domain.access import Role
from oms.domain.account import PositionMode
from oms.domain.risk.policy_keys import PRESETS
from oms.wire.field_types import (
    Comment,
    Id,
    IdOrZero,
    JsonObject,
    Moment,
    enum_schema,
    read_positive,
)

NETWORKS_MAX = 100
LISTED_MAX = 1000
_OPEN = ConfigDict(extra="ignore", strict=True)


def _option(options: Mapping[str, str]) -> Any:
    names = ", ".join(options)

    def read(value: object) -> str:
        if isinstance(value, str) and (parsed := options.get(value.lower())) is not None:
            return parsed
        raise PydanticCustomError("enum", "one of {listed} is expected", {"listed": names})

    return PlainValidator(read)


def _read_name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise PydanticCustomError("name", "a printable text is expected")
    if len(value.strip()) > 128:
        raise PydanticCustomError("name", "at most 128 characters")
    return value.strip()


def _read_networks(value: object) -> tuple[IPv4Network | IPv6Network, ...]:
    if not isinstance(value, list) or len(value) > NETWORKS_MAX:
        raise PydanticCustomError("cidr", "a list of up to 100 networks is expected")
    try:
        return tuple(ip_network(part, strict=False) for part in map(_text, value))
    except ValueError:
        raise PydanticCustomError("cidr", "a network is an address or a CIDR") from None


def _text(part: object) -> str:
    if not isinstance(part, str):
        raise ValueError
    return part.strip()


def _read_cap(value: object) -> Decimal:
    if value in ("0", 0) and not isinstance(value, bool):
        return Decimal(0)
    return read_positive(value)


_ROLES = {role.value: role.value for role in Role}
_STATUSES = {"active": "active", "disabled": "disabled"}
_ACCOUNT_STATUSES = {"active": "active", "blocked": "blocked"}
_MODES = {mode.value: mode.value for mode in PositionMode}
_PRESETS = {name: name for name in PRESETS}
_ENVIRONMENTS = {word: word for word in ("paper", "testnet", "demo", "loopback", "live")}

Name = Annotated[
    str,
    PlainValidator(_read_name),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 128}),
]
Label = Annotated[str, Field(max_length=128)]
KeyText = Annotated[str, Field(max_length=512)]
Password = Annotated[str, Field(max_length=1024)]
RoleWord = Annotated[str, _option(_ROLES), enum_schema(_ROLES)]
StatusWord = Annotated[str, _option(_STATUSES), enum_schema(_STATUSES)]
AccountStatusWord = Annotated[str, _option(_ACCOUNT_STATUSES), enum_schema(_ACCOUNT_STATUSES)]
ModeWord = Annotated[str, _option(_MODES), enum_schema(_MODES)]
PresetWord = Annotated[str, _option(_PRESETS), enum_schema(_PRESETS)]
EnvironmentWord = Annotated[str, _option(_ENVIRONMENTS), enum_schema(_ENVIRONMENTS)]
Networks = Annotated[
    tuple[IPv4Network | IPv6Network, ...],
    PlainValidator(_read_networks),
    WithJsonSchema({"type": "array", "maxItems": NETWORKS_MAX, "items": {"type": "string"}}),
]
Cap = Annotated[
    Decimal,
    PlainValidator(_read_cap),
    WithJsonSchema({"type": ["string", "number"], "pattern": "^[0-9]{1,18}$", "minimum": 0}),
]
Ids = Annotated[list[Id], Field(max_length=LISTED_MAX)]
IdsOrZero = Annotated[list[IdOrZero], Field(max_length=LISTED_MAX)]


class LoginFields(TypedDict, total=False):
    """``POST /auth/login-password``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    user_name: Required[Annotated[str, Field(max_length=512)]]
    password: Required[Password]
    api_key_id: Id


class ProfileFields(TypedDict, total=False):
    """``PATCH /user/profile``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    user_name: Required[Name]


class PasswordFields(TypedDict, total=False):
    """``POST /user/password``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    current_password: Required[Password]
    new_password: Required[Password]


class RestrictionFields(TypedDict, total=False):
    """Restrictions of a key; null clears."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    expires_at: Moment | None
    ip_allowlist: Networks | None
    max_order_notional: Cap | None
    max_day_notional: Cap | None


class NewKeyFields(TypedDict, total=False):
    """A key to be created."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    user_id: Id
    api_key: KeyText
    label: Label
    restrictions: RestrictionFields


class KeyChangeFields(TypedDict, total=False):
    """Changes of a key; ``label`` null clears."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    status: StatusWord
    label: Label | None
    restrictions: RestrictionFields


class PermitFields(TypedDict, total=False):
    """Flags of a key on an account."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    account_id: Required[Id]
    can_read: bool
    can_trade: bool
    can_close_position: bool
    can_risk_manage: bool
    can_block_new_positions: bool
    can_block_account: bool
    restrict_to_strategies: bool
    strategy_ids: IdsOrZero


class NewUserFields(TypedDict, total=False):
    """``POST /admin/users-with-api-key``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    user_name: Required[Name]
    role: RoleWord
    api_key: KeyText
    password: Password
    permissions: Annotated[list[PermitFields], Field(max_length=LISTED_MAX)]
    label: Label
    restrictions: RestrictionFields


class UserChangeFields(TypedDict, total=False):
    """``PATCH /admin/users/{id}``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    role: RoleWord
    status: StatusWord
    password: Password


class StrategyFields(TypedDict, total=False):
    """A strategy to be created."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    name: Required[Name]
    account_ids: Ids
    client_strategy_id: Id


class StrategyChangeFields(TypedDict, total=False):
    """Changes of a strategy; ``client_strategy_id`` null clears."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    name: Name
    status: StatusWord
    client_strategy_id: Id | None
    account_ids: Ids


class SecretFields(TypedDict, total=False):
    """Exchange credentials of an account."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    api_key: Annotated[str, Field(min_length=1, max_length=4096)]
    secret: Annotated[str, Field(min_length=1, max_length=16384)]
    passphrase: Annotated[str, Field(min_length=1, max_length=4096)]


class AccountFields(TypedDict, total=False):
    """``POST /admin/accounts``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    exchange_id: Required[Annotated[str, Field(min_length=1, max_length=64)]]
    label: Required[Name]
    position_mode: ModeWord
    is_testnet: bool
    extra_config_json: JsonObject
    environment: EnvironmentWord
    risk_preset: PresetWord


class AccountChangeFields(TypedDict, total=False):
    """``PATCH /admin/accounts/{id}``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    exchange_id: Annotated[str, Field(min_length=1, max_length=64)]
    label: Name
    position_mode: ModeWord
    is_testnet: bool
    status: AccountStatusWord
    extra_config_json: JsonObject
    credentials: SecretFields
    trader_name: Name | None
    live_enabled: bool
    comment: Comment


LOGIN = TypeAdapter(LoginFields)
PROFILE = TypeAdapter(ProfileFields)
PASSWORD = TypeAdapter(PasswordFields)
NEW_KEY = TypeAdapter(NewKeyFields)
KEY_CHANGE = TypeAdapter(KeyChangeFields)
PERMIT = TypeAdapter(PermitFields)
NEW_USER = TypeAdapter(NewUserFields)
USER_CHANGE = TypeAdapter(UserChangeFields)
STRATEGY = TypeAdapter(StrategyFields)
STRATEGY_CHANGE = TypeAdapter(StrategyChangeFields)
ACCOUNT = TypeAdapter(AccountFields)
ACCOUNT_CHANGE = TypeAdapter(AccountChangeFields)
