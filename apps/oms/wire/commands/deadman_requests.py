"""Dead-man switches: the request body."""

from typing import Annotated, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.risk.deadman import TIMEOUT_SECONDS, DeadmanAction
from oms.domain.value import value
from oms.wire.field_types import Comment, Id, enum_schema
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.parameters import ACCOUNTS_MAX
from oms.wire.request_body import malformed_at

STRATEGIES_MAX = 100


class DeadmanFields(TypedDict, total=False):
    """``POST /risk/deadman``."""

    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)  # type: ignore[misc]
    account_ids: Required[Annotated[list[Id], Field(min_length=1, max_length=ACCOUNTS_MAX)]]
    strategy_ids: Annotated[list[Id], Field(max_length=STRATEGIES_MAX)]
    timeout_seconds: Required[
        Annotated[int, Field(ge=TIMEOUT_SECONDS.start, lt=TIMEOUT_SECONDS.stop)]
    ]
    action: Required[Annotated[str, enum_schema(DeadmanAction)]]
    comment: Comment


DEADMAN = TypeAdapter(DeadmanFields)


@value
class ArmDeadman:
    """A request to arm a dead-man switch."""

    account_ids: tuple[int, ...]
    strategy_ids: tuple[int, ...]
    timeout_seconds: int
    action: DeadmanAction
    comment: str | None


def read_deadman(body: object, header_comment: str | None) -> ArmDeadman:
    """Parse the body. Raises ``Malformed``."""
    fields = validate(DEADMAN, drop_nulls(require_object(body, ("body",))), ())
    action = fields["action"].lower()
    if action not in DeadmanAction.__members__.values():
        raise malformed_at(("action",), f"one of {', '.join(DeadmanAction)} is expected", "enum")
    return ArmDeadman(
        account_ids=tuple(sorted(set(fields["account_ids"]))),
        strategy_ids=tuple(sorted(set(fields.get("strategy_ids", ())))),
        timeout_seconds=fields["timeout_seconds"],
        action=DeadmanAction(action),
        comment=(fields.get("comment") or header_comment or "").strip() or None,
    )
