"""Risk policies in responses and events."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.errors import Refused
from oms.domain.risk.policy import Limit, LimitChange, PolicyScope
from oms.domain.risk.policy_keys import KEYS, policy_value_text
from oms.domain.risk.usage import LimitUsage
from oms.wire.error_codes import mt5_retcode
from oms.wire.json import optional_decimal_text, time_text
from oms.wire.responses.risk_rows import RiskDetailRow
from oms.wire.responses.value_types import Count, DecimalText, Id, TimeText, one_of

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


class UsageRow(TypedDict):
    """A limit that rules the account, and how much of it is in use."""

    key: Annotated[str, one_of(*KEYS)]
    limit: SettingText
    scope: Annotated[str, one_of(*PolicyScope)]
    scope_id: Count
    set_by: str
    set_at: TimeText
    current: Annotated[
        DecimalText | None, Field(description="Null of limits per order, and where it is unknown.")
    ]
    headroom: DecimalText | None
    symbol: Annotated[str | None, Field(description="The symbol that uses most of it.")]
    tripped_at: Annotated[
        TimeText | None, Field(description="When a limit on losses was last reached.")
    ]


class UsageRows(TypedDict):
    """All limits that rule an account."""

    account_id: Id
    items: list[UsageRow]
    unreadable: Annotated[
        str | None, Field(description="The stored limit that cannot be read: entries are refused.")
    ]
    currency: Annotated[str, Field(description="Currency of notionals and losses.")]


class ResetRow(TypedDict):
    """The high-water mark of an account's equity after a reset."""

    ok: bool
    account_id: Id
    key: str
    high_water: Annotated[
        DecimalText | None, Field(description="Null while the worker has not finished.")
    ]
    currency: str | None
    reset_at: TimeText | None
    command_id: Id


class RefusalRow(TypedDict):
    """Why an order is refused, or cut."""

    code: str
    message: str
    reason: str | None
    limit: DecimalText | None
    value: DecimalText | None
    set_by: str | None
    key: str | None
    scope_id: str | None
    set_by_user: str | None
    set_at: TimeText | None
    mt5_retcode: Annotated[
        int | None, Field(description="MetaTrader's return code if the order were sent.")
    ]


class VerdictRow(TypedDict):
    """The verdict on a command."""

    ok: bool
    status: Annotated[str, one_of("passed", "trimmed", "blocked")]
    qty: Annotated[DecimalText | None, Field(description="What would be sent.")]
    price: DecimalText | None
    reduce_only: bool
    refusal: RefusalRow | None


class CheckRow(VerdictRow):
    """The verdict on an order, and the limits that rule it."""

    risk_detail: Annotated[
        RiskDetailRow | None,
        Field(description="Every limit that rules it, also after the first that fails."),
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


def usage_row(usage: LimitUsage) -> UsageRow:
    """Return the row of a limit in use."""
    limit = usage.limit
    return {
        "key": limit.key,
        "limit": policy_value_text(limit.setting),
        "scope": limit.scope.value,
        "scope_id": limit.scope_id,
        "set_by": limit.set_by,
        "set_at": time_text(limit.set_at),
        "current": optional_decimal_text(usage.current),
        "headroom": optional_decimal_text(usage.headroom),
        "symbol": usage.symbol,
        "tripped_at": None if usage.tripped_at is None else time_text(usage.tripped_at),
    }


def refusal_row(refused: Refused) -> RefusalRow:
    """Return the row of a refusal."""
    facts = refused.facts or {}
    return {
        "code": refused.code,
        "message": refused.message,
        "reason": refused.reason,
        "limit": optional_decimal_text(refused.limit),
        "value": optional_decimal_text(refused.value),
        "set_by": refused.set_by,
        "key": facts.get("key"),
        "scope_id": facts.get("scope_id"),
        "set_by_user": facts.get("set_by_user"),
        "set_at": facts.get("set_at"),
        "mt5_retcode": mt5_retcode(refused),
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
