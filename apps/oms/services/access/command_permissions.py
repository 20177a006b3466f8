"""The worker's second look at access: may the one who asked still do this, now?

What the door let in may have waited; a key that was disabled meanwhile sends nothing any more.
A "yes" is believed for ``cache_seconds`` (at most 5); a "no" is asked again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.access import (
    UNRESTRICTED,
    Permission,
    Principal,
    Restrictions,
    allowed_strategies,
    refuse,
)
from oms.domain.ccxt_methods import MethodClass, method_class_of
from oms.domain.commands.account_commands import (
    AdminMutate,
    EnforceKillSwitch,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadConnection,
    Reconcile,
    RefreshOrder,
    ResolveUnknownOrder,
    RiskSwitch,
)
from oms.domain.commands.command import (
    Actor,
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    CommandPayload,
    MergePositions,
    Reassign,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.reconcile.discrepancy import DecideDiscrepancy
from oms.domain.value import evolve
from oms.ports.registry import Registry

CACHE_ENTRIES_MAX = 1_000


_FOR_CALLS = {
    MethodClass.READ: Permission.MARKET,
    MethodClass.TRADE: Permission.CCXT_TRADE,
    MethodClass.STREAM: Permission.CCXT_ALLOWED,  # refused before anybody's rights are asked
    MethodClass.NEVER: Permission.CCXT_ALLOWED,
}


def permission_for(payload: CommandPayload) -> Permission:
    """What a command needs."""
    match payload:
        case SendOrder() | ChangeOrder() | ChangePosition():
            return Permission.TRADE
        case CancelOrder() | CancelAllOrders():
            return Permission.CANCEL
        case ClosePosition() | CloseAllPositions() | CloseBy() | MergePositions():
            return Permission.CLOSE
        case Reassign() | ResolveUnknownOrder():
            return Permission.REASSIGN
        case DecideDiscrepancy(lifts=lifts):
            return Permission.RISK_SWITCH if lifts else Permission.REASSIGN
        case RiskSwitch(status=status):
            return Permission.RISK_SWITCH if status is None else Permission.RISK_BLOCK
        case AdminMutate():
            return Permission.ADMIN
        case EnforceKillSwitch(on=on):
            return Permission.KILL_ON if on else Permission.KILL_OFF
        case PaperPrice() | PaperDeposit() | PaperReset():
            return Permission.PAPER
        case Reconcile() | RefreshOrder():
            return Permission.RECONCILE
        case ReadConnection():
            return Permission.READ
        case CcxtCall(func=func):
            return _FOR_CALLS[method_class_of(func)]


def narrow_to_allowed(
    principal: Principal, account_id: int, payload: CommandPayload
) -> CommandPayload:
    """``payload``, kept to the key's allow-list where it names no strategy and so means all."""
    if isinstance(payload, (CancelAllOrders, CloseAllPositions)) and not payload.strategy_ids:
        allowed = allowed_strategies(principal, account_id)
        if allowed:
            return evolve(payload, strategy_ids=tuple(sorted(allowed)))
    return payload


def refuse_all_strategies(
    principal: Principal, account_id: int, payload: CommandPayload
) -> Refused | None:
    """Refuse "all strategies" to a key that may not touch all, or none at all."""
    if not isinstance(payload, (CancelAllOrders, CloseAllPositions)) or payload.strategy_ids:
        return None
    if allowed_strategies(principal, account_id) is None:
        return None
    return Refused(
        code="strategy_permission_denied",
        message=f"account_id={account_id} is open to this key for its own strategies only",
    )


PermissionQuery = tuple[Permission, int, tuple[int, ...]]
"""For what, on which account, for which strategies."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a key, until when it is believed, and to what it said yes."""

    principal: Principal
    until: datetime
    granted: set[PermissionQuery] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPermissions:
    """Asks again, with a short memory of who may what."""

    registry: Registry
    cache_seconds: float
    #: By key.
    _known: dict[int, _Known] = field(default_factory=dict)

    def held(self, api_key_id: int) -> Restrictions:
        """What the key is held to, as it was when its last command was judged."""
        known = self._known.get(api_key_id)
        return UNRESTRICTED if known is None else known.principal.restrictions

    def actor_name(self, actor: Actor) -> str:
        """What the actor is called, as it was when his last command was judged."""
        known = self._known.get(actor.api_key_id)
        return f"user {actor.user_id}" if known is None else known.principal.user_name

    async def __call__(
        self,
        actor: Actor,
        account_id: int,
        payload: CommandPayload,
        strategies: tuple[int, ...],
        now: datetime,
    ) -> Refused | None:
        """Refuse what the actor may not do (any more); a "no" is never from memory."""
        asked = (permission_for(payload), account_id, strategies)
        known = self._known.get(actor.api_key_id)
        if known is not None and now < known.until and _allows(known, asked, payload):
            return None
        principal = await self.registry.principal_of(actor.api_key_id, now)
        if principal is None:
            self._known.pop(actor.api_key_id, None)
            message = "the key that sent this command is no longer valid"
            return Refused(code="permission_denied", message=message)
        if len(self._known) >= CACHE_ENTRIES_MAX:
            self._known.clear()
        until = now + timedelta(seconds=self.cache_seconds)
        self._known[actor.api_key_id] = _Known(principal, until)
        return _refused(principal, asked, payload)


def _allows(known: _Known, asked: PermissionQuery, payload: CommandPayload) -> bool:
    is_sweep = isinstance(payload, CancelAllOrders | CloseAllPositions)
    if asked in known.granted and not is_sweep:
        return True
    if _refused(known.principal, asked, payload) is not None:
        return False
    known.granted.add(asked)
    return True


def _refused(
    principal: Principal, asked: PermissionQuery, payload: CommandPayload
) -> Refused | None:
    permission, account_id, strategies = asked
    refused = refuse(principal, permission, account_id, strategies)
    return refused or refuse_all_strategies(principal, account_id, payload)
