"""Groups of accounts: request bodies and rows."""

from collections.abc import Mapping
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.account_group import AccountGroup, GroupMember
from oms.domain.commands.command import SendOrder
from oms.wire.admin.admin_schemas import Name
from oms.wire.commands.command_requests import CommandRequest, read_commands
from oms.wire.field_types import Id, Positive
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.json import optional_decimal_text
from oms.wire.request_body import malformed_at
from oms.wire.responses.value_types import DecimalText

MEMBERS_MAX = 100
GROUP_KEY = "group_id"
_CLOSED = ConfigDict(extra="forbid", strict=True)


class MemberFields(TypedDict, total=False):
    """A member as sent: a ratio or a weight."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    account_id: Required[Id]
    ratio: Positive
    equity_weight: Positive


class GroupFields(TypedDict):
    """A group as sent."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    name: Name
    members: Annotated[list[MemberFields], Field(min_length=1, max_length=MEMBERS_MAX)]


GROUP = TypeAdapter(GroupFields)


class GroupMemberRow(TypedDict):
    """A member of a group."""

    account_id: Id
    ratio: DecimalText | None
    equity_weight: DecimalText | None


class GroupRow(TypedDict):
    """A group of accounts."""

    group_id: Id
    name: str
    members: list[GroupMemberRow]


class GroupChanged(TypedDict):
    """The group that was created, changed or deleted."""

    ok: bool
    group_id: Id


def read_group(body: object) -> tuple[str, tuple[GroupMember, ...]]:
    """Return name and members of a group, ascending by account. Raises ``Malformed``."""
    fields = validate(GROUP, require_object(body, ("body",)), ())
    members = [GroupMember(**each) for each in fields["members"]]
    ids = [member.account_id for member in members]
    if len(set(ids)) < len(ids):
        raise malformed_at(("members",), "an account is named twice")
    with_ratio = sum(member.ratio is not None for member in members)
    with_weight = sum(member.equity_weight is not None for member in members)
    if (with_ratio, with_weight) not in ((len(members), 0), (0, len(members))):
        raise malformed_at(("members",), "all have a ratio, or all have an equity_weight")
    return fields["name"], tuple(sorted(members, key=lambda member: member.account_id))


def read_group_command(body: Mapping[str, Any]) -> tuple[int, CommandRequest]:
    """Return the group of a body with ``group_id``, and its command. Raises ``Malformed``."""
    if body.get("account_id") is not None:
        raise malformed_at((0, "account_id"), "account_id and group_id exclude each other")
    sent = validate(_GROUP_ID, {GROUP_KEY: body[GROUP_KEY]}, (0,))
    rest = {name: each for name, each in drop_nulls(body).items() if name != GROUP_KEY}
    (request,) = read_commands({**rest, "account_id": 1}, 1)
    if not isinstance(request.payload, SendOrder):
        raise malformed_at((0, "command"), "a group takes send_order", "enum")
    if request.payload.position_id:
        raise malformed_at((0, "payload", "position_id"), "positions belong to one account")
    group_id: int = sent[GROUP_KEY]
    return group_id, request


class _GroupIdFields(TypedDict):
    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    group_id: Id


_GROUP_ID = TypeAdapter(_GroupIdFields)


def group_row(group: AccountGroup) -> GroupRow:
    """Return the row of a group."""
    return {
        "group_id": group.id,
        "name": group.name,
        "members": [
            {
                "account_id": member.account_id,
                "ratio": optional_decimal_text(member.ratio),
                "equity_weight": optional_decimal_text(member.equity_weight),
            }
            for member in group.members
        ],
    }
