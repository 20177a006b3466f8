"""Kill switches: response schemas and operations."""

from collections.abc import Mapping

from oms.api.openapi.operation import Operation
from oms.api.openapi.parameters import COMMENT, WAIT, query
from oms.api.openapi.request_bodies import body
from oms.api.openapi.schema import (
    BOOLEAN,
    Schema,
    any_of,
    array_of,
    enum_of,
    items_of,
    object_of,
    ref,
    row,
)
from oms.domain.risk.kill_switch import KillMode, KillScope

_KILL = row(
    "id:id scope_id:text? on:bool comment:text? cancel_entries:bool flatten:bool set_by:text? "
    "set_by_user_id:id? set_by_api_key_id:id? set_at:time released_at:time? released_by:text? "
    "release_comment:text? confirm:text?",
    scope=enum_of(*sorted(scope.value for scope in KillScope)),
    mode=enum_of(*sorted(mode.value for mode in KillMode)),
)
_ACCOUNT_REPORT = row(
    "account_id:id command_id:id status:text",
    **{name: {"type": "array"} for name in ("canceled", "not_canceled")},
    **{name: {"type": "array"} for name in ("closed", "remaining", "dust")},
)
_KILL_REPORT = {"ok": BOOLEAN, **_KILL["properties"], "report": array_of(_ACCOUNT_REPORT)}
_CAN_FAIL = frozenset({404, 502, 504})

SCHEMAS: Mapping[str, Schema] = {
    "KillSwitch": _KILL,
    "KillSwitchReport": object_of(_KILL_REPORT),
    "KillSwitchActivation": object_of(_KILL_REPORT | {"drill": BOOLEAN}),
    "KillDrill": row("ok:bool drill:bool id:null", would=row("accounts:ids cancel:ids close:ids")),
}
"""Schemas by component name."""

OPERATIONS = (
    Operation(
        method="post",
        path="/risk/kill",
        name="pull_kill_switch",
        summary="Activate a kill switch; a drill only previews it",
        query=(*WAIT, COMMENT),
        body=body("KillPull"),
        answers={
            200: any_of(ref("KillSwitchActivation"), ref("KillDrill")),
            202: ref("KillSwitchActivation"),
            207: ref("KillSwitchActivation"),
        },
        errors=_CAN_FAIL,
    ),
    Operation(
        method="get",
        path="/risk/kill",
        name="list_kill_switches",
        summary="The active kill switches, or all",
        query=(query("active", BOOLEAN, "false includes released ones."),),
        answers={200: items_of(ref("KillSwitch"))},
    ),
    Operation(
        method="get",
        path="/risk/kill/{kill_id}",
        name="get_kill_switch",
        summary="One kill switch with its report per account",
        answers={200: ref("KillSwitchReport")},
    ),
    Operation(
        method="post",
        path="/risk/kill/{kill_id}/release",
        name="release_kill_switch",
        summary="Release a kill switch; its name is the confirmation",
        query=(*WAIT, COMMENT),
        body=body("KillRelease"),
        answers=dict.fromkeys((200, 202, 207), ref("KillSwitchActivation")),
        errors=_CAN_FAIL,
    ),
)
