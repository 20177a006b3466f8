"""Kill switches: their scope and mode, and what is still allowed while they are active.

Of all active switches that apply to an order the strictest mode decides. Permissions to activate or
release a switch are checked elsewhere.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from oms.domain.commands.command import OWN_REQUEST_ID_PREFIX
from oms.domain.errors import Refused
from oms.domain.risk.deadman import deadman_id_of
from oms.domain.value import value

RELEASE_DELAY = timedelta(seconds=60)
"""Minimum time between activation and release, to prevent hasty releases."""


class KillScope(StrEnum):
    """What a switch applies to."""

    GLOBAL = "global"
    ACCOUNT = "account"
    STRATEGY = "strategy"
    SYMBOL = "symbol"
    KEY = "key"


class KillMode(StrEnum):
    """What a switch leaves allowed, mildest first; ``flatten`` is an action, not a mode."""

    REDUCE_ONLY = "reduce_only"
    CANCEL_ONLY = "cancel_only"
    HALT = "halt"


REJECTIONS_CAUSE = "auto_reject_rate"
"""The cause of switches that too many rejections of an account's orders activated."""
SWITCH_CAUSE = "switch"
"""The cause of switches that the switch of the whole gateway activated."""

_RANK = {mode: rank for rank, mode in enumerate(KillMode)}


@value
class KillSwitch:
    """A kill switch; inactive once ``released_at`` is set."""

    id: int
    scope: KillScope
    #: Id of the account, strategy or key, or the symbol; empty for ``global``.
    scope_id: str
    mode: KillMode
    comment: str
    cancel_entries: bool = True
    #: Whether all positions in scope are closed too.
    flatten: bool = False
    #: What activated it instead of a person's call for this scope; ``None``: such a call.
    cause: str | None = None
    set_by: str
    set_by_user_id: int | None = None
    set_by_api_key_id: int | None = None
    set_at: datetime
    released_at: datetime | None = None
    released_by: str | None = None
    release_comment: str | None = None

    @property
    def activation_request_id(self) -> str:
        """The request id of the commands that enforce the switch."""
        if self.cause is None or deadman_id_of(self.cause) is None:
            return f"{OWN_REQUEST_ID_PREFIX}kill:{self.id}"
        return OWN_REQUEST_ID_PREFIX + deadman_name(self.cause, self.scope, self.scope_id)

    @property
    def request_id(self) -> str:
        """The request id of the commands of this activation or release."""
        if self.is_on:
            return self.activation_request_id
        return f"{OWN_REQUEST_ID_PREFIX}kill:{self.id}:off"

    @property
    def is_on(self) -> bool:
        """Return whether the switch is active."""
        return self.released_at is None

    @property
    def confirmation(self) -> str:
        """Return the confirmation text required to release the switch."""
        return f"RELEASE {self.scope.value} {self.scope_id}".rstrip()


@value
class KillTarget:
    """The attributes of an order that decide whether a switch applies to it."""

    account_id: int
    strategy_id: int
    symbol: str
    api_key_id: int


def deadman_name(cause: str, scope: KillScope, scope_id: str) -> str:
    """Return the name of the command by which a dead-man switch acts on an account or strategy."""
    return f"{cause}:{scope_id}" if scope is KillScope.STRATEGY else cause


def strictest_switch(switches: Iterable[KillSwitch], target: KillTarget) -> KillSwitch | None:
    """Return the switch of the strictest mode, of those the one activated first."""
    applicable = [switch for switch in switches if switch.is_on and _applies_to(switch, target)]
    return min(applicable, key=lambda each: (-_RANK[each.mode], each.set_at, each.id), default=None)


def refuse_killed(switch: KillSwitch | None, *, opens: bool) -> Refused | None:
    """Refuse an order that the switch does not allow; cancels are not checked."""
    if switch is None or (switch.mode is KillMode.REDUCE_ONLY and not opens):
        return None
    scope_text = f"{switch.scope.value} {switch.scope_id}".rstrip()
    return Refused(
        code="risk_blocked",
        reason="kill_switch",
        message=f"the kill switch of {scope_text} is on ({switch.mode.value}): {switch.comment}",
        set_by=switch.scope.value,
        facts={
            "scope": switch.scope.value,
            "scope_id": switch.scope_id or None,
            "mode": switch.mode.value,
            "since": switch.set_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "by": switch.set_by,
            "comment": switch.comment,
        },
    )


def _applies_to(switch: KillSwitch, target: KillTarget) -> bool:
    match switch.scope:
        case KillScope.GLOBAL:
            return True
        case KillScope.ACCOUNT:
            return switch.scope_id == str(target.account_id)
        case KillScope.STRATEGY:
            return switch.scope_id == str(target.strategy_id)
        case KillScope.SYMBOL:
            return switch.scope_id == target.symbol
        case KillScope.KEY:
            return switch.scope_id == str(target.api_key_id)
