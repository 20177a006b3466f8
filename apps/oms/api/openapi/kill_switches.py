"""Kill switches in the document: what answers hold, and the operations."""

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
_FOLLOWED = row(
    "account_id:id command_id:id status:text",
    **{name: {"type": "array"} for name in ("canceled", "not_canceled")},
    **{name: {"type": "array"} for name in ("closed", "remaining", "dust")},
)
_KILL_TOLD = {"ok": BOOLEAN, **_KILL["properties"], "report": array_of(_FOLLOWED)}
_CAN_FAIL = frozenset({404, 502, 504})

SCHEMAS: Mapping[str, Schema] = {
    "KillSwitch": _KILL,
    "KillSwitchTold": object_of(_KILL_TOLD),
    "KillSwitchPulled": object_of(_KILL_TOLD | {"drill": BOOLEAN}),
    "KillDrill": row("ok:bool drill:bool id:null", would=row("accounts:ids cancel:ids close:ids")),
}
"""Shapes by the name they have in the document."""

OPERATIONS = (
    Operation(
        method="post",
        path="/risk/kill",
        name="pull_kill_switch",
        summary="Pull a kill switch; a drill only tells what it would do",
        query=(*WAIT, COMMENT),
        body=body("KillPull"),
        answers={
            200: any_of(ref("KillSwitchPulled"), ref("KillDrill")),
            202: ref("KillSwitchPulled"),
            207: ref("KillSwitchPulled"),
        },
        errors=_CAN_FAIL,
    ),
    Operation(
        method="get",
        path="/risk/kill",
        name="list_kill_switches",
        summary="The kill switches that are on, or all",
        query=(query("active", BOOLEAN, "false shows those that are over too."),),
        answers={200: items_of(ref("KillSwitch"))},
    ),
    Operation(
        method="get",
        path="/risk/kill/{kill_id}",
        name="get_kill_switch",
        summary="One kill switch, and what followed from it",
        answers={200: ref("KillSwitchTold")},
    ),
    Operation(
        method="post",
        path="/risk/kill/{kill_id}/release",
        name="release_kill_switch",
        summary="Release a kill switch, its name said again",
        query=(*WAIT, COMMENT),
        body=body("KillRelease"),
        answers=dict.fromkeys((200, 202, 207), ref("KillSwitchPulled")),
        errors=_CAN_FAIL,
    ),
)
