"""Request bodies that change risk policies. A comment is required."""

from collections.abc import Mapping
from typing import Annotated, Any, Required

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.commands.account_commands import CheckOrder, ResetDrawdown
from oms.domain.errors import Invalid
from oms.domain.ids import ID_MAX
from oms.domain.risk.policy import PolicyScope
from oms.domain.risk.policy_keys import (
    KEYS,
    PRESETS,
    PolicyValue,
    parse_policy_value,
    policy_value_text,
)
from oms.domain.value import value
from oms.wire.commands.order_requests import read_send_order
from oms.wire.commands.preview_requests import check_of
from oms.wire.field_types import Comment, Id, enum_schema
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import malformed_at

#: Keys whose limit is reached until it is reset.
RESETTABLE = ("max_total_drawdown_pct",)
_OPEN = ConfigDict(extra="ignore", strict=True)


class PolicyFields(TypedDict, total=False):
    """``PUT /risk/policy``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    scope: Required[Annotated[str, enum_schema(PolicyScope)]]
    scope_id: str | int | None
    keys: Required[dict[str, Any]]
    comment: Comment


class PresetFields(TypedDict, total=False):
    """``POST /risk/policy/preset``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    account_id: Required[Id]
    preset: Required[Annotated[str, enum_schema(PRESETS)]]
    comment: Comment


class ResetFields(TypedDict, total=False):
    """``POST /risk/reset``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    account_id: Required[Id]
    key: Required[Annotated[str, enum_schema(RESETTABLE)]]
    comment: Comment


class CheckFields(TypedDict, total=False):
    """``POST /risk/check``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    account_id: Required[Id]
    order: Required[dict[str, Any]]


CHECK = TypeAdapter(CheckFields)
POLICY = TypeAdapter(PolicyFields)
PRESET = TypeAdapter(PresetFields)
RESET = TypeAdapter(ResetFields)


@value
class PolicyEdit:
    """New values of keys of one scope; ``None`` removes a limit."""

    scope: PolicyScope
    #: 0 of the scope ``global``.
    scope_id: int
    settings: Mapping[str, PolicyValue | None]
    comment: str
    #: The preset that the settings are.
    preset: str | None = None

    @property
    def keys(self) -> dict[str, object]:
        """The settings as JSON values."""
        return {
            key: None if setting is None else policy_value_text(setting)
            for key, setting in self.settings.items()
        }


def read_policy_edit(body: object, header_comment: str | None) -> PolicyEdit:
    """Parse a change of keys; ``header_comment`` is the default comment.

    Raises ``Malformed``, ``Invalid`` (``comment_required``, or with the reason ``unknown_key`` or
    ``value``).
    """
    fields = validate(POLICY, require_object(body, ("body",)), ())
    scope, scope_id = read_policy_scope(fields["scope"], fields.get("scope_id"))
    sent = fields["keys"]
    if not sent:
        raise malformed_at(("keys",), f"name at least one of {', '.join(KEYS)}", "missing")
    settings = {key: parse_policy_value(key, each) for key, each in sent.items()}
    for key in settings:
        if scope is PolicyScope.STRATEGY and KEYS[key].is_of_account:
            message = f"{key} is measured over accounts; it cannot be set for a strategy"
            raise Invalid(message, reason="scope")
    return PolicyEdit(
        scope=scope, scope_id=scope_id, settings=settings, comment=_comment(fields, header_comment)
    )


def read_preset(body: object, header_comment: str | None) -> PolicyEdit:
    """Parse a preset of an account: it sets its keys and removes all others.

    Raises ``Malformed``, ``Invalid`` (``comment_required``).
    """
    fields = validate(PRESET, require_object(body, ("body",)), ())
    name = fields["preset"].lower()
    if name not in PRESETS:
        raise malformed_at(("preset",), f"one of {', '.join(PRESETS)} is expected", "enum")
    return PolicyEdit(
        scope=PolicyScope.ACCOUNT,
        scope_id=fields["account_id"],
        settings={key: PRESETS[name].get(key) for key in KEYS},
        comment=_comment(fields, header_comment),
        preset=name,
    )


def read_reset(body: object, header_comment: str | None) -> tuple[int, ResetDrawdown]:
    """Parse the reset of a limit on losses. Raises ``Malformed``, ``Invalid``."""
    fields = validate(RESET, require_object(body, ("body",)), ())
    key = fields["key"].lower()
    if key not in RESETTABLE:
        raise malformed_at(("key",), f"one of {', '.join(RESETTABLE)} is expected", "enum")
    return fields["account_id"], ResetDrawdown(key=key, comment=_comment(fields, header_comment))


def read_check(body: object) -> tuple[int, CheckOrder]:
    """Parse the request of a verdict: its account, and the order as ``send_order`` has it.

    Raises ``Malformed``.
    """
    fields = validate(CHECK, require_object(body, ("body",)), ())
    order = read_send_order(drop_nulls(fields["order"]), ("order",))
    return fields["account_id"], check_of(order)


def read_policy_scope(name: str | None, scope_id: str | int | None) -> tuple[PolicyScope, int]:
    """Return scope and id; the id of the scope ``global`` is 0. Raises ``Malformed``."""
    lowered = (name or "").lower()
    if lowered not in PolicyScope.__members__.values():
        raise malformed_at(("scope",), f"one of {', '.join(PolicyScope)} is expected", "enum")
    scope = PolicyScope(lowered)
    if scope is PolicyScope.GLOBAL:
        return scope, 0
    text = "" if scope_id is None else str(scope_id).strip()
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(ID_MAX))
    if not is_number or not 0 < int(text) <= ID_MAX:
        raise malformed_at(("scope_id",), f"the id of the {scope.value} is expected", "id")
    return scope, int(text)


def _comment(fields: Mapping[str, Any], header_comment: str | None) -> str:
    comment = str(fields.get("comment") or header_comment or "").strip()
    if not comment:
        raise Invalid("a comment is required", code="comment_required")
    return comment
