"""The worker's permission check: whether the sender of a command still may do it.

A command may have waited in the queue; the commands of a key that was disabled meanwhile are
refused. A positive answer is cached for ``cache_seconds`` (at most 5), a negative one is not.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.access import (
    UNRESTRICTED,
    Permission,
    Principal,
    Restrictions,
    allowed_strategies,
    refuse,
    refuse_account,
)
from oms.domain.ccxt_methods import STRATEGY_READS, MethodClass, method_class_of
from oms.domain.commands.account_commands import (
    AdminMutate,
    CheckOrder,
    CreateAlert,
    DeleteAlert,
    EnforceKillSwitch,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadAlerts,
    ReadConnection,
    ReadRiskUsage,
    Reconcile,
    RefreshOrder,
    ResetDrawdown,
    ResolveUnknownOrder,
    RiskSwitch,
    SetRiskPolicy,
)
from oms.domain.commands.command import (
    Actor,
    BreakEven,
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    Command,
    CommandPayload,
    MergePositions,
    Reassign,
    ReversePosition,
    SendOrder,
)
from oms.domain.commands.command_targets import ID_FIELDS, IdKind
from oms.domain.errors import Refused
from oms.domain.reconcile.discrepancy import DecideDiscrepancy
from oms.domain.risk.kill_switch import KillScope
from oms.domain.signals.signal import ExecuteSignal
from oms.domain.value import evolve
from oms.ports.registry import AuditEntry, Registry

CACHE_ENTRIES_MAX = 1_000


_CALL_PERMISSIONS = {
    MethodClass.READ: Permission.MARKET,
    MethodClass.TRADE: Permission.CCXT_TRADE,
    MethodClass.STREAM: Permission.CCXT_ALLOWED,  # Refused before permissions are checked.
    MethodClass.NEVER: Permission.CCXT_ALLOWED,
}


#: Commands that never act on all strategies of their account.
_NAMES_ITS_STRATEGIES = frozenset(
    payload_type
    for payload_type in (SendOrder, CancelOrder, ChangeOrder, ClosePosition)
    if IdKind.ACCOUNT not in ID_FIELDS[payload_type].values()
)


def permission_for(payload: CommandPayload) -> Permission:
    """Return the permission that a command needs."""
    match payload:
        case SendOrder() | ChangeOrder() | ChangePosition() | BreakEven() | ReversePosition():
            return Permission.TRADE
        case CreateAlert() | DeleteAlert():
            return Permission.TRADE
        case ExecuteSignal():
            return Permission.AUTOMATE
        case CancelOrder() | CancelAllOrders():
            return Permission.CANCEL
        case ClosePosition() | CloseAllPositions() | CloseBy() | MergePositions():
            return Permission.CLOSE
        case Reassign() | ResolveUnknownOrder():
            return Permission.REASSIGN
        case DecideDiscrepancy(lifts=lifts_quarantine):
            return Permission.RISK_SWITCH if lifts_quarantine else Permission.REASSIGN
        case RiskSwitch(status=status):
            return Permission.RISK_SWITCH if status is None else Permission.RISK_BLOCK
        case SetRiskPolicy() | ResetDrawdown():
            return Permission.KILL_OFF
        case AdminMutate():
            return Permission.ADMIN
        case EnforceKillSwitch(on=on):
            return Permission.KILL_ON if on else Permission.KILL_OFF
        case PaperPrice() | PaperDeposit() | PaperReset():
            return Permission.PAPER
        case Reconcile() | RefreshOrder():
            return Permission.RECONCILE
        case ReadConnection() | ReadRiskUsage() | CheckOrder() | ReadAlerts():
            return Permission.READ
        case CcxtCall(func=func):
            return _CALL_PERMISSIONS[method_class_of(func)]


def narrow_to_allowed(
    principal: Principal, account_id: int, payload: CommandPayload
) -> CommandPayload:
    """Return ``payload`` limited to the key's strategies, if it names none and so means all."""
    if isinstance(payload, (CancelAllOrders, CloseAllPositions)) and not payload.strategy_ids:
        allowed = allowed_strategies(principal, account_id)
        if allowed:
            return evolve(payload, strategy_ids=tuple(sorted(allowed)))
    return payload


def refuse_command(
    principal: Principal,
    account_id: int,
    payload: CommandPayload,
    strategies: tuple[int, ...],
) -> Refused | None:
    """Refuse what the principal may not do: the one decision of API and worker on a command.

    ``strategies`` are those that the command names and those of the rows that it names.
    """
    refused = refuse(principal, permission_for(payload), account_id, strategies)
    closes_too = isinstance(payload, ReversePosition) or (
        isinstance(payload, EnforceKillSwitch) and payload.flatten
    )
    if refused is None and closes_too:
        refused = refuse_account(principal, Permission.CLOSE, account_id)
    if refused is not None or type(payload) in _NAMES_ITS_STRATEGIES:
        return refused
    return _refuse_all_strategies(principal, account_id, payload)


def _refuse_all_strategies(
    principal: Principal, account_id: int, payload: CommandPayload
) -> Refused | None:
    """Refuse a command on all strategies to a key that is limited to some."""
    if allowed_strategies(principal, account_id) is None or not _is_of_all_strategies(payload):
        return None
    return Refused(
        code="strategy_permission_denied",
        message=f"account_id={account_id} is restricted to the strategies of this key",
    )


def _is_of_all_strategies(payload: CommandPayload) -> bool:
    """Return whether a command acts on, or returns, rows of every strategy of its account."""
    match payload:
        case CancelAllOrders() | CloseAllPositions():
            return not payload.strategy_ids
        case ExecuteSignal(strategy_id=strategy_id):
            return strategy_id == 0
        case EnforceKillSwitch(scope=scope):
            return scope != KillScope.STRATEGY.value
        case CcxtCall(func=func):
            return func in STRATEGY_READS
        case SetRiskPolicy() | ResetDrawdown() | ReadRiskUsage():
            return True
        case CreateAlert() | DeleteAlert() | ReadAlerts():
            return True
        case _:
            return IdKind.ACCOUNT in ID_FIELDS[type(payload)].values()


PermissionQuery = tuple[type[CommandPayload], int, tuple[int, ...]]
"""Type of the command, account id and strategy ids."""

#: Commands whose permission follows from type, account and strategies alone.
CACHEABLE = frozenset({SendOrder, CancelOrder, ChangeOrder, ClosePosition, ChangePosition})


@dataclass(frozen=True, slots=True)
class _CachedPrincipal:
    """A cached principal, its age, and the permission queries that it has passed."""

    principal: Principal
    #: By the clock that is never set back.
    read_at: float
    granted: set[PermissionQuery] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPermissions:
    """Checks permissions of queued commands, with a short cache."""

    registry: Registry
    cache_seconds: float
    #: Seconds of a clock that is never set back: the age of what is cached.
    monotonic: Callable[[], float] = time.monotonic
    #: By API key id.
    _cache: dict[int, _CachedPrincipal] = field(default_factory=dict)

    def restrictions_of(self, api_key_id: int) -> Restrictions:
        """Return the restrictions of the key, as of the check of its last command."""
        cached = self._cache.get(api_key_id)
        return UNRESTRICTED if cached is None else cached.principal.restrictions

    def actor_name(self, actor: Actor) -> str:
        """Return the actor's user name, as of the check of its last command."""
        cached = self._cache.get(actor.api_key_id)
        return f"user {actor.user_id}" if cached is None else cached.principal.user_name

    def audit_entry(
        self,
        command: Command,
        *,
        action: str,
        entity: str,
        entity_id: int,
        account_id: int,
        before: str | None,
        after: str | None,
        comment: str | None,
    ) -> AuditEntry:
        """Return the audit row of what a command changed, by its actor."""
        actor = command.actor
        return AuditEntry(
            actor=self.actor_name(actor),
            action=action,
            entity=entity,
            entity_id=str(entity_id),
            account_id=account_id,
            actor_user_id=actor.user_id,
            actor_api_key_id=actor.api_key_id,
            actor_role=actor.role,
            actor_ip=actor.ip or None,
            before=before,
            after=after,
            comment=comment,
            request_id=command.request_id,
        )

    def forget(self) -> None:
        """Drop the cache."""
        self._cache.clear()

    async def __call__(
        self,
        actor: Actor,
        account_id: int,
        payload: CommandPayload,
        strategies: tuple[int, ...],
        now: datetime,
    ) -> Refused | None:
        """Refuse what the actor may not do (any more); a refusal never comes from the cache.

        A system command is permitted: no user can have its role.
        """
        if actor.is_system:
            return None
        query: PermissionQuery = (type(payload), account_id, strategies)
        cached = self._cache.get(actor.api_key_id)
        began_at = self.monotonic()
        is_fresh = cached is not None and began_at - cached.read_at < self.cache_seconds
        if cached is not None and is_fresh and _is_allowed(cached, query, payload):
            return None
        principal = await self.registry.principal_of(actor.api_key_id, now)
        if principal is None:
            self._cache.pop(actor.api_key_id, None)
            message = "the key that sent this command is no longer valid"
            return Refused(code="permission_denied", message=message)
        if len(self._cache) >= CACHE_ENTRIES_MAX:
            self._cache.clear()
        self._cache[actor.api_key_id] = _CachedPrincipal(principal, began_at)
        return refuse_command(principal, account_id, payload, strategies)


def _is_allowed(cached: _CachedPrincipal, query: PermissionQuery, payload: CommandPayload) -> bool:
    payload_type, account_id, strategies = query
    is_cacheable = payload_type in CACHEABLE
    if is_cacheable and query in cached.granted:
        return True
    if refuse_command(cached.principal, account_id, payload, strategies) is not None:
        return False
    if is_cacheable:
        cached.granted.add(query)
    return True
