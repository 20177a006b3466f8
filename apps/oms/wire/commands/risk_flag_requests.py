"""Request bodies that set risk flags. A comment is required."""

from typing import Annotated, Any, Required

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.commands.account_commands import RiskSwitch
from oms.domain.errors import Invalid
from oms.wire.field_types import Comment, Id, enum_schema
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import malformed_at

STATUSES = ("active", "blocked")
_OPEN = ConfigDict(extra="ignore", strict=True)


class AllowFields(TypedDict, total=False):
    """``.../allow_new_positions`` of an account."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    allow_new_positions: Required[bool]
    comment: Comment


class StrategyAllowFields(TypedDict, total=False):
    """``.../strategies/allow_new_positions``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    strategy_id: Required[Id]
    allow_new_positions: Required[bool]
    comment: Comment


class StatusFields(TypedDict, total=False):
    """``.../status``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    status: Required[Annotated[str, enum_schema(STATUSES)]]
    comment: Comment


ALLOW = TypeAdapter(AllowFields)
STRATEGY_ALLOW = TypeAdapter(StrategyAllowFields)
STATUS = TypeAdapter(StatusFields)


def read_allow(body: object, header_comment: str | None) -> RiskSwitch:
    """Parse the flag of an account; ``header_comment`` is the default comment.

    Raises ``Malformed``, ``Invalid`` (``comment_required``).
    """
    return _read_flag(ALLOW, body, header_comment)


def read_strategy_allow(body: object, header_comment: str | None) -> RiskSwitch:
    """Parse the flag of a strategy on an account. Raises as ``read_allow``."""
    return _read_flag(STRATEGY_ALLOW, body, header_comment)


def read_status(body: object, header_comment: str | None) -> RiskSwitch:
    """Parse the status of an account. Raises as ``read_allow``."""
    request = _read_flag(STATUS, body, header_comment)
    status = (request.status or "").lower()
    if status not in STATUSES:
        raise malformed_at(("status",), f"one of {', '.join(STATUSES)} is expected", "enum")
    return RiskSwitch(status=status, comment=request.comment)


def _read_flag(shape: TypeAdapter[Any], body: object, header_comment: str | None) -> RiskSwitch:
    fields = validate(shape, drop_nulls(require_object(body, ("body",))), ())
    comment = (fields.pop("comment", None) or header_comment or "").strip()
    if not comment:
        raise Invalid("a comment is required", code="comment_required")
    return RiskSwitch(**fields, comment=comment)
