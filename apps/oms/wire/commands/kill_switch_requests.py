"""Kill switches: request bodies."""

from collections.abc import Mapping
from typing import Any, Required

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.errors import Invalid
from oms.domain.ids import ID_MAX
from oms.domain.risk.kill_switch import KillMode, KillScope
from oms.domain.value import value
from oms.wire.field_types import Comment
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import malformed_at

FLATTEN = "flatten"
SCOPE_ID_CHARACTERS_MAX = 64
_OPEN = ConfigDict(extra="ignore", strict=True)


class PullFields(TypedDict, total=False):
    """``POST /risk/kill``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    scope: Required[str]
    scope_id: str | int
    mode: Required[str]
    comment: Comment
    cancel_entries: bool
    drill: bool


class ReleaseFields(TypedDict, total=False):
    """``POST /risk/kill/{id}/release``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    comment: Comment
    confirm: str
    override: bool


PULL = TypeAdapter(PullFields)
RELEASE = TypeAdapter(ReleaseFields)


@value
class ActivateKillSwitch:
    """A request to activate a switch."""

    scope: KillScope
    scope_id: str
    mode: KillMode
    flatten: bool
    comment: str
    cancel_entries: bool
    #: Only report what would happen.
    drill: bool
    #: What activates it, if not a call for this scope.
    cause: str | None = None


@value
class ReleaseKillSwitch:
    """A request to release a switch."""

    comment: str
    confirm: str
    #: Release it although its automatic cause stands.
    override: bool = False


def read_activation(body: object, header_comment: str | None) -> ActivateKillSwitch:
    """Parse an activation. Raises ``Malformed``, ``Invalid`` (``comment_required``)."""
    fields = validate(PULL, drop_nulls(require_object(body, ("body",))), ())
    scope_name, mode = fields["scope"].lower(), fields["mode"].lower()
    if scope_name not in KillScope.__members__.values():
        raise malformed_at(("scope",), f"one of {', '.join(KillScope)} is expected", "enum")
    if mode not in (*KillMode.__members__.values(), FLATTEN):
        raise malformed_at(
            ("mode",), f"one of {', '.join((*KillMode, FLATTEN))} is expected", "enum"
        )
    scope = KillScope(scope_name)
    scope_id = "" if scope is KillScope.GLOBAL else str(fields.get("scope_id", "")).strip()
    if scope is not KillScope.GLOBAL:
        scope_id = _read_id(scope, scope_id)
    return ActivateKillSwitch(
        scope=scope,
        scope_id=scope_id,
        mode=KillMode.REDUCE_ONLY if mode == FLATTEN else KillMode(mode),
        flatten=mode == FLATTEN,
        comment=read_comment(fields, header_comment),
        cancel_entries=fields.get("cancel_entries", True) or mode == FLATTEN,
        drill=fields.get("drill", False),
    )


def read_release(body: object, header_comment: str | None) -> ReleaseKillSwitch:
    """Parse a release. Raises ``Malformed``, ``Invalid`` (``comment_required``)."""
    fields = validate(RELEASE, drop_nulls(require_object(body, ("body",))), ())
    return ReleaseKillSwitch(
        comment=read_comment(fields, header_comment),
        confirm=fields.get("confirm", ""),
        override=fields.get("override", False),
    )


def _read_id(scope: KillScope, scope_id: str) -> str:
    """Return the id as it is compared with those of rows: a number without leading zeros."""
    if not scope_id or len(scope_id) > SCOPE_ID_CHARACTERS_MAX:
        raise malformed_at(("scope_id",), f"name the {scope.value}", "missing")
    if scope is KillScope.SYMBOL:
        return scope_id
    is_number = scope_id.isascii() and scope_id.isdigit()
    if not is_number or not 0 < int(scope_id) <= ID_MAX:
        raise malformed_at(("scope_id",), f"the id of the {scope.value} is expected", "id")
    return str(int(scope_id))


def read_comment(fields: Mapping[str, Any], header_comment: str | None) -> str:
    """Return the comment of a body or header. Raises ``Invalid`` (``comment_required``)."""
    comment = str(fields.get("comment") or header_comment or "").strip()
    if not comment:
        raise Invalid("a comment is required", code="comment_required")
    return comment
