"""Dead-man switches in the API: permissions, arming, beats, disarming.

A key arms, beats and disarms switches over accounts and strategies on which it may trade; for the
action ``flatten`` it needs the permission to close besides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oms.domain.access import (
    Permission,
    Principal,
    Role,
    allowed_strategies,
    refuse,
    refuse_account,
    refuse_role,
)
from oms.domain.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from oms.domain.risk.deadman import DeadmanAction, DeadmanState, DeadmanSwitch
from oms.ports.admin.deadman_switches import DeadmanStore
from oms.ports.admin.strategies import Strategies
from oms.ports.audit_log import AuditContext
from oms.ports.registry import Registry
from oms.wire.commands.deadman_requests import ArmDeadman

SWITCHES_LISTED_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadmanAdmin:
    """Arms, beats, disarms and lists. Every method raises ``Unavailable``."""

    switches: DeadmanStore
    registry: Registry
    strategies: Strategies

    async def arm(
        self, principal: Principal, request: ArmDeadman, audit_context: AuditContext
    ) -> DeadmanSwitch:
        """Store an armed switch. Raises ``Forbidden``, ``NotFound``, ``Invalid``."""
        _raise(refuse_role(principal, Permission.TRADE))
        accounts_of = await self._read_targets(request)
        _check(principal, request.account_ids, request.strategy_ids, request.action)
        _check_scopes(request, accounts_of)
        now = audit_context.at
        switch = DeadmanSwitch(
            id=0,
            account_ids=request.account_ids,
            strategy_ids=request.strategy_ids,
            timeout_seconds=request.timeout_seconds,
            action=request.action,
            deadline=now + timedelta(seconds=request.timeout_seconds),
            comment=request.comment,
            set_by=audit_context.actor,
            set_by_user_id=audit_context.user_id,
            set_by_api_key_id=audit_context.api_key_id,
            set_at=now,
            beat_at=now,
        )
        return await self.switches.arm(switch, audit_context)

    async def beat(self, principal: Principal, switch_id: int, now: datetime) -> DeadmanSwitch:
        """Move the deadline of an armed switch.

        Raises ``NotFound``, ``Forbidden``, ``Conflict``.
        """
        _check_of(principal, await self.get(principal, switch_id))
        await self.switches.beat([switch_id], now)
        switch = await self.get(principal, switch_id)
        if switch.state is not DeadmanState.ARMED:
            message = f"dead-man switch {switch_id} is {switch.state.value}: arm another one"
            raise Conflict(message, reason=switch.state.value)
        return switch

    async def disarm(
        self, principal: Principal, switch_id: int, audit_context: AuditContext
    ) -> DeadmanSwitch:
        """Disarm a switch. Raises ``NotFound``, ``Forbidden``, ``Conflict``."""
        _check_of(principal, await self.get(principal, switch_id))
        disarmed = await self.switches.disarm(switch_id, audit_context)
        if disarmed is None:
            raise Conflict(f"dead-man switch {switch_id} is disarmed already", reason="disarmed")
        return disarmed

    async def get(self, principal: Principal, switch_id: int) -> DeadmanSwitch:
        """Return a switch. Raises ``NotFound``, also for one that the principal may not see."""
        switch = await self.switches.find(switch_id)
        if switch is None or not _is_visible(principal, switch):
            raise NotFound(f"there is no dead-man switch {switch_id}")
        return switch

    async def list_visible(
        self, principal: Principal, *, is_active: bool
    ) -> Sequence[DeadmanSwitch]:
        """Return the newest switches over accounts which the principal may read."""
        rows = await self.switches.all(is_active=is_active, limit=SWITCHES_LISTED_MAX)
        return [row for row in rows if _is_visible(principal, row)]

    async def _read_targets(self, request: ArmDeadman) -> Mapping[int, Sequence[int]]:
        """Return the accounts of each named strategy. Raises ``NotFound``."""
        known = {row.account.id for row in await self.registry.accounts(request.account_ids)}
        for account_id in request.account_ids:
            if account_id not in known:
                raise NotFound(f"account_id={account_id}", code="account_not_found")
        if not request.strategy_ids:
            return {}
        accounts_of = {row.id: row.account_ids for row in await self.strategies.all()}
        for strategy_id in request.strategy_ids:
            if strategy_id not in accounts_of:
                raise NotFound(f"strategy_id={strategy_id}", code="strategy_not_found")
        return accounts_of


def _check_scopes(request: ArmDeadman, accounts_of: Mapping[int, Sequence[int]]) -> None:
    """Raise ``Invalid`` if a kill switch of a strategy would act on an account not named."""
    if request.action is DeadmanAction.CANCEL_ENTRIES:
        return
    for strategy_id in request.strategy_ids:
        outside = set(accounts_of[strategy_id]) - set(request.account_ids)
        if outside:
            message = (
                f"the kill switch of strategy {strategy_id} acts on all its accounts: account_ids"
                " must name them"
            )
            raise Invalid(message, reason="account_ids")


def _check_of(principal: Principal, switch: DeadmanSwitch) -> None:
    _check(principal, switch.account_ids, switch.strategy_ids, switch.action)


def _check(
    principal: Principal,
    account_ids: Sequence[int],
    strategy_ids: tuple[int, ...],
    action: DeadmanAction,
) -> None:
    """Raise ``Forbidden`` unless the principal may act so on every account and strategy."""
    for account_id in account_ids:
        refused = refuse(principal, Permission.TRADE, account_id, strategy_ids)
        if refused is None and action is DeadmanAction.FLATTEN:
            refused = refuse_account(principal, Permission.CLOSE, account_id)
        if refused is None and not strategy_ids:
            refused = _refuse_all_strategies(principal, account_id)
        _raise(refused)


def _raise(refused: Refused | None) -> None:
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)


def _refuse_all_strategies(principal: Principal, account_id: int) -> Refused | None:
    if allowed_strategies(principal, account_id) is None:
        return None
    return Refused(
        code="strategy_permission_denied",
        message=f"account_id={account_id} is restricted to the strategies of this key",
    )


def _is_visible(principal: Principal, switch: DeadmanSwitch) -> bool:
    if principal.role is Role.ADMIN:
        return True
    return any(
        refuse(principal, Permission.READ, account_id, switch.strategy_ids) is None
        and (switch.strategy_ids or allowed_strategies(principal, account_id) is None)
        for account_id in switch.account_ids
    )
