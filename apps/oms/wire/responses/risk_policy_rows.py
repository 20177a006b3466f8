"""Risk policies in responses and events."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.risk.policy import Limit, LimitChange, PolicyScope
from oms.domain.risk.policy_keys import KEYS, policy_value_text
from oms.wire.json import time_text
from oms.wire.responses.value_types import Count, Id, TimeText, one_of

SettingText = Annotated[
    str | bool | list[str],
    Field(description="A decimal text, a flag, or a list of symbols, as the key demands."),
]


class LimitRow(TypedDict):
    """One limit of a scope, and who set it."""

    key: Annotated[str, one_of(*KEYS)]
    value: SettingText
    set_by: str
    set_by_user_id: Id | None
    set_at: TimeText
    comment: str


class PolicyRow(TypedDict):
    """The limits of one scope, in the order of their checks; absent keys set none."""

    ok: bool
    scope: Annotated[str, one_of(*PolicyScope)]
    scope_id: Annotated[Count, Field(description="0 of the scope global.")]
    limits: list[LimitRow]
    unreadable: Annotated[
        str | None, Field(description="The stored limit that cannot be read: entries are refused.")
    ]
    command_id: Annotated[
        Id | None, Field(description="The command that changed an account's policy.")
    ]


class LimitEdit(TypedDict):
    """The value of a key before and after a change; null sets no limit."""

    old: SettingText | None
    new: SettingText | None


def limit_row(limit: Limit) -> LimitRow:
    """Return the row of a limit."""
    return {
        "key": limit.key,
        "value": policy_value_text(limit.setting),
        "set_by": limit.set_by,
        "set_by_user_id": limit.set_by_user_id,
        "set_at": time_text(limit.set_at),
        "comment": limit.comment,
    }


def limit_rows(limits: Iterable[Limit]) -> list[LimitRow]:
    """Return the rows of the limits of one scope, in the order of the checks."""
    by_key = {limit.key: limit for limit in limits}
    return [limit_row(by_key[key]) for key in KEYS if key in by_key]


def settings_of(limits: Iterable[Limit]) -> dict[str, SettingText]:
    """Return the values of limits by key, for the audit log."""
    return {limit.key: policy_value_text(limit.setting) for limit in limits}


def limit_edits(before: Iterable[Limit], changes: Iterable[LimitChange]) -> dict[str, LimitEdit]:
    """Return the old and new value of each key that changes, for the event of a change."""
    old, edits = settings_of(before), dict[str, LimitEdit]()
    for change in changes:
        new = None if change.limit is None else policy_value_text(change.limit.setting)
        if new != old.get(change.key):
            edits[change.key] = {"old": old.get(change.key), "new": new}
    return edits
