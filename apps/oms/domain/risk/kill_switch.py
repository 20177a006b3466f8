"""Kill switches: who pulled which, over what, and what may still be done while they are on.

The strictest mode of all switches that are about an order rules it. Nothing is decided here about
who may pull or release one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from oms.domain.errors import Refused
from oms.domain.value import value

RELEASE_DELAY = timedelta(seconds=60)
"""A switch is not released sooner: who pulled it in haste shall look first."""


class KillScope(StrEnum):
    """What a switch is about."""

    GLOBAL = "global"
    ACCOUNT = "account"
    STRATEGY = "strategy"
    SYMBOL = "symbol"
    KEY = "key"


class KillMode(StrEnum):
    """What a switch leaves, from the mildest to the strictest; ``flatten`` is an action."""

    REDUCE_ONLY = "reduce_only"
    CANCEL_ONLY = "cancel_only"
    HALT = "halt"


_RANK = {mode: rank for rank, mode in enumerate(KillMode)}


@value
class KillSwitch:
    """A switch that was pulled; ``released_at`` ends it."""

    id: int
    scope: KillScope
    #: Id of the account, strategy or key, or the symbol; ``global`` has none.
    scope_id: str
    mode: KillMode
    comment: str
    cancel_entries: bool = True
    #: Whether everything is closed besides.
    flatten: bool = False
    set_by: str
    set_by_user_id: int | None = None
    set_by_api_key_id: int | None = None
    set_at: datetime
    released_at: datetime | None = None
    released_by: str | None = None
    release_comment: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether it still rules."""
        return self.released_at is None

    @property
    def confirmation(self) -> str:
        """What must be said to release it."""
        return f"RELEASE {self.scope.value} {self.scope_id}".rstrip()


@value
class KillTarget:
    """What an order is about, as switches ask for it."""

    account_id: int
    strategy_id: int
    symbol: str
    api_key_id: int


def strictest_switch(switches: Iterable[KillSwitch], aim: KillTarget) -> KillSwitch | None:
    """The switch that rules: of the strictest mode, and of those the one pulled first."""
    mine = [switch for switch in switches if switch.is_on and _is_about(switch, aim)]
    return min(mine, key=lambda each: (-_RANK[each.mode], each.set_at, each.id), default=None)


def refuse_killed(switch: KillSwitch | None, *, opens: bool) -> Refused | None:
    """Refuse an order that the switch does not leave; cancels are never asked for."""
    if switch is None or (switch.mode is KillMode.REDUCE_ONLY and not opens):
        return None
    about = f"{switch.scope.value} {switch.scope_id}".rstrip()
    return Refused(
        code="risk_blocked",
        reason="kill_switch",
        message=f"the kill switch of {about} is on ({switch.mode.value}): {switch.comment}",
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


def _is_about(switch: KillSwitch, aim: KillTarget) -> bool:
    match switch.scope:
        case KillScope.GLOBAL:
            return True
        case KillScope.ACCOUNT:
            return switch.scope_id == str(aim.account_id)
        case KillScope.STRATEGY:
            return switch.scope_id == str(aim.strategy_id)
        case KillScope.SYMBOL:
            return switch.scope_id == aim.symbol
        case KillScope.KEY:
            return switch.scope_id == str(aim.api_key_id)
