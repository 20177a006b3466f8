"""The switch of the whole gateway: its request body."""

from typing import Required

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.risk.kill_switch import SWITCH_CAUSE, KillMode, KillScope
from oms.domain.value import value
from oms.wire.commands.kill_switch_requests import FLATTEN, ActivateKillSwitch, read_comment
from oms.wire.field_types import Comment
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import malformed_at

SOFT, HARD = "soft", "hard"
KINDS = (SOFT, HARD, FLATTEN)
"""Refuse what opens; cancel entry orders too; close all positions too."""


class SwitchFields(TypedDict, total=False):
    """``POST /risk/switch``."""

    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)  # type: ignore[misc]
    enabled: Required[bool]
    kind: str
    comment: Comment


SWITCH = TypeAdapter(SwitchFields)


@value
class SetOmsSwitch:
    """A request to enable or disable the gateway."""

    comment: str
    #: The kill switch that disables it; ``None``: it is enabled.
    activation: ActivateKillSwitch | None


def read_switch(body: object, header_comment: str | None) -> SetOmsSwitch:
    """Parse a change of the switch. Raises ``Malformed``, ``Invalid`` (``comment_required``)."""
    fields = validate(SWITCH, drop_nulls(require_object(body, ("body",))), ())
    kind = fields.get("kind", SOFT).lower()
    if kind not in KINDS:
        raise malformed_at(("kind",), f"one of {', '.join(KINDS)} is expected", "enum")
    comment = read_comment(fields, header_comment)
    if fields["enabled"]:
        return SetOmsSwitch(comment=comment, activation=None)
    return SetOmsSwitch(comment=comment, activation=disabling_switch(kind, comment))


def disabling_switch(kind: str, comment: str) -> ActivateKillSwitch:
    """Return the kill switch that disables the gateway."""
    return ActivateKillSwitch(
        scope=KillScope.GLOBAL,
        scope_id="",
        mode=KillMode.REDUCE_ONLY,
        flatten=kind == FLATTEN,
        comment=comment,
        cancel_entries=kind != SOFT,
        drill=False,
        cause=SWITCH_CAUSE,
    )
