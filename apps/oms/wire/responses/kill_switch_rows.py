"""Kill switches in responses and events."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.risk.kill_switch import KillMode, KillScope, KillSwitch
from oms.wire.json import optional_time_text, time_text
from oms.wire.responses.value_types import Id, TimeText, one_of


class KillSwitchRow(TypedDict):
    """A kill switch."""

    id: Id
    scope: Annotated[str, one_of(*sorted(KillScope))]
    scope_id: str | None
    mode: Annotated[str, one_of(*sorted(KillMode))]
    on: bool
    comment: str | None
    cancel_entries: bool
    flatten: bool
    set_by: str | None
    set_by_user_id: Id | None
    set_by_api_key_id: Id | None
    set_at: TimeText
    released_at: TimeText | None
    released_by: str | None
    release_comment: str | None
    cause: Annotated[
        str | None,
        Field(description="What activated it, if not a call for its scope: `switch`."),
    ]
    confirm: Annotated[
        str | None, Field(description="What a release must contain; null once it is released.")
    ]


class KillAccountReport(TypedDict):
    """What a switch has done on one account."""

    account_id: Id
    command_id: Id
    status: str
    canceled: list[Any]
    not_canceled: list[Any]
    closed: list[Any]
    remaining: list[Any]
    dust: list[Any]


class KillSwitchReport(KillSwitchRow):
    """A kill switch with its report per account."""

    ok: bool
    report: list[KillAccountReport]


class KillSwitchActivation(KillSwitchReport):
    """A kill switch that was activated or released."""

    drill: bool


class OmsSwitchState(TypedDict):
    """Whether the gateway is enabled, and the active switches over all accounts."""

    ok: bool
    oms_enabled: bool
    switches: list[KillSwitchRow]


class OmsSwitchChange(OmsSwitchState):
    """The switch of the gateway after a change, with the report per account."""

    changed: Annotated[
        list[Id], Field(description="Kill switches that were activated or released.")
    ]
    report: list[KillAccountReport]


class KillEffect(TypedDict):
    """What an activation would do."""

    accounts: list[Id]
    cancel: list[Id]
    close: list[Id]


class KillDrill(TypedDict):
    """The preview of an activation."""

    ok: bool
    drill: bool
    id: None
    would: KillEffect


def switch_row(switch: KillSwitch) -> KillSwitchRow:
    """Return the row of a switch."""
    return {
        "id": switch.id,
        "scope": switch.scope.value,
        "scope_id": switch.scope_id or None,
        "mode": switch.mode.value,
        "on": switch.is_on,
        "comment": switch.comment,
        "cancel_entries": switch.cancel_entries,
        "flatten": switch.flatten,
        "set_by": switch.set_by,
        "set_by_user_id": switch.set_by_user_id,
        "set_by_api_key_id": switch.set_by_api_key_id,
        "set_at": time_text(switch.set_at),
        "released_at": optional_time_text(switch.released_at),
        "released_by": switch.released_by,
        "release_comment": switch.release_comment,
        "cause": switch.cause,
        "confirm": switch.confirmation if switch.is_on else None,
    }


def kill_switch_changed(switch: KillSwitch, actor: str) -> dict[str, Any]:
    """Return the facts of ``kill_switch_changed``, without ``account_id``."""
    return {
        "kill_id": switch.id,
        "scope": switch.scope.value,
        "scope_id": switch.scope_id or None,
        "mode": switch.mode.value,
        "on": switch.is_on,
        "comment": switch.comment if switch.is_on else switch.release_comment,
        "actor": actor,
    }
