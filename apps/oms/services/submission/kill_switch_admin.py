"""Administration of kill switches: permissions, storage, and the commands to affected accounts.

A stored switch takes effect in every worker within a second. Cancels, closes and the account's own
event are commands to the account's worker. The effect of a switch can be previewed without storing
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.access import Permission, Principal, Role, refuse_account, refuse_role
from oms.domain.commands.account_commands import EnforceKillSwitch
from oms.domain.errors import Conflict, Forbidden, Invalid, NotFound
from oms.domain.risk.kill_switch import RELEASE_DELAY, KillScope, KillSwitch
from oms.ports.admin.strategies import Strategies
from oms.ports.admin.user_admin import UserAdmin
from oms.ports.audit_log import AuditContext
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.kill_switches import KillSwitchStore
from oms.ports.registry import Registry
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.kill_switch_requests import ActivateKillSwitch, ReleaseKillSwitch

SWITCHES_LISTED_MAX = 500
ROWS_COUNTED_MAX = 5000
#: Scopes over many accounts, for which permissions on single accounts do not apply.
_MULTI_ACCOUNT_SCOPES = frozenset({KillScope.GLOBAL, KillScope.SYMBOL, KillScope.KEY})


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitchAdmin:
    """Activates, lists and releases kill switches. Every method raises ``Unavailable``."""

    kills: KillSwitchStore
    registry: Registry
    strategies: Strategies
    people: UserAdmin
    history: HistoryReads

    async def accounts(self, scope: KillScope, scope_id: str) -> Sequence[int]:
        """Return the ids of the accounts that a switch affects. Raises ``NotFound``."""
        account_ids = [row.account.id for row in await self.registry.accounts()]
        match scope:
            case KillScope.ACCOUNT:
                if int(scope_id) not in account_ids:
                    raise NotFound(f"account_id={scope_id}", code="account_not_found")
                return [int(scope_id)]
            case KillScope.STRATEGY:
                rows = await self.strategies.all()
                row = next((row for row in rows if row.id == int(scope_id)), None)
                if row is None:
                    raise NotFound(f"strategy_id={scope_id}", code="strategy_not_found")
                return row.account_ids
            case KillScope.KEY:
                if await self.people.key(int(scope_id)) is None:
                    raise NotFound(f"there is no API key {scope_id}")
                return []
            case KillScope.GLOBAL | KillScope.SYMBOL:
                return account_ids

    async def activate(
        self, principal: Principal, request: ActivateKillSwitch, audit_context: AuditContext
    ) -> KillSwitch:
        """Store a new switch. Raises ``Forbidden``, ``NotFound``."""
        await self.check(principal, Permission.KILL_ON, request.scope, request.scope_id)
        switch = KillSwitch(
            id=0,
            scope=request.scope,
            scope_id=request.scope_id,
            mode=request.mode,
            comment=request.comment,
            cancel_entries=request.cancel_entries,
            flatten=request.flatten,
            set_by=audit_context.actor,
            set_by_user_id=audit_context.user_id,
            set_by_api_key_id=audit_context.api_key_id,
            set_at=audit_context.at,
        )
        return await self.kills.activate(switch, audit_context)

    async def check(
        self, principal: Principal, permission: Permission, scope: KillScope, scope_id: str
    ) -> None:
        """Check the permission of the principal. Raises ``Forbidden``, ``NotFound``."""
        refused = refuse_role(principal, permission)
        accounts = [] if refused is not None else await self.accounts(scope, scope_id)
        if refused is None and principal.role is not Role.ADMIN:
            is_own_key = scope is KillScope.KEY and scope_id == str(principal.api_key_id)
            is_risk_role = principal.role is Role.RISK
            if (
                scope in _MULTI_ACCOUNT_SCOPES
                and not is_risk_role
                and not (is_own_key and permission is Permission.KILL_ON)
            ):
                scope_name = scope.value
                raise Forbidden(f"a switch of scope {scope_name} needs the role admin or risk")
            if scope not in _MULTI_ACCOUNT_SCOPES:
                refusals = (refuse_account(principal, permission, i) for i in accounts)
                refused = next((each for each in refusals if each is not None), None)
        if refused is not None:
            raise Forbidden(refused.message, code=refused.code)

    def commands(self, switch: KillSwitch, accounts: Sequence[int]) -> list[CommandRequest]:
        """Return the commands for the workers of the accounts, one per account."""
        is_account_scope = switch.scope is KillScope.ACCOUNT
        has_actions = switch.is_on and (switch.cancel_entries or switch.flatten)
        if not is_account_scope and not has_actions:
            return []
        return [
            CommandRequest(
                payload=EnforceKillSwitch(
                    kill_id=switch.id,
                    scope=switch.scope.value,
                    scope_id=switch.scope_id,
                    mode=switch.mode.value,
                    on=switch.is_on,
                    cancel_entries=switch.cancel_entries and switch.is_on,
                    flatten=switch.flatten and switch.is_on,
                    comment=switch.comment if switch.is_on else switch.release_comment,
                ),
                account_id=account_id,
                request_id=switch.request_id,
            )
            for account_id in accounts
        ]

    async def preview_effect(
        self, request: ActivateKillSwitch, accounts: Sequence[int]
    ) -> dict[str, object]:
        """Return the entry orders that it would cancel now, and the positions it would close."""
        effects: dict[str, object] = {"accounts": list(accounts), "cancel": [], "close": []}
        if not accounts:
            return effects
        strategy_id = int(request.scope_id) if request.scope is KillScope.STRATEGY else None
        symbol = request.scope_id if request.scope is KillScope.SYMBOL else None
        window = HistoryQuery(account_ids=accounts, strategy_id=strategy_id, symbol=symbol)
        if request.cancel_entries:
            orders = await self.history.open_orders(window, ROWS_COUNTED_MAX)
            effects["cancel"] = [order.id for order in orders if not order.reduce_only]
        if request.flatten:
            positions = await self.history.open_positions(window, ROWS_COUNTED_MAX)
            effects["close"] = [position.id for position in positions]
        return effects

    async def list_visible(self, principal: Principal, *, is_on: bool) -> Sequence[KillSwitch]:
        """Return the newest switches that the principal may see: of its accounts, and account-wide
        ones.
        """
        rows = await self.kills.all(is_on=is_on, limit=SWITCHES_LISTED_MAX)
        return [row for row in rows if _is_open_to(principal, row)]

    async def get(self, principal: Principal, switch_id: int) -> KillSwitch:
        """Return a switch. Raises ``NotFound``."""
        switch = await self.kills.find(switch_id)
        if switch is None or not _is_open_to(principal, switch):
            raise NotFound(f"there is no kill switch {switch_id}")
        return switch

    async def release(
        self,
        principal: Principal,
        switch_id: int,
        request: ReleaseKillSwitch,
        audit_context: AuditContext,
    ) -> KillSwitch:
        """Release a switch. Raises ``NotFound``, ``Forbidden``, ``Invalid``, ``Conflict``."""
        switch = await self.get(principal, switch_id)
        await self.check(principal, Permission.KILL_OFF, switch.scope, switch.scope_id)
        _check_release(switch, request, audit_context.at)
        released = await self.kills.release(switch_id, audit_context)
        if released is None:
            raise Conflict(f"kill switch {switch_id} is released already", reason="released")
        return released


def _check_release(switch: KillSwitch, request: ReleaseKillSwitch, now: datetime) -> None:
    if not switch.is_on:
        raise Conflict(f"kill switch {switch.id} is released already", reason="released")
    if " ".join(request.confirm.split()) != switch.confirmation:
        raise Invalid(f"confirm must be: {switch.confirmation}", reason="confirm")
    if now - switch.set_at < RELEASE_DELAY:
        seconds = int(RELEASE_DELAY.total_seconds())
        raise Conflict(f"not before {seconds} s after it was activated", reason="too_early")


def _is_open_to(principal: Principal, switch: KillSwitch) -> bool:
    if principal.role is Role.ADMIN or switch.scope is not KillScope.ACCOUNT:
        return True
    return refuse_account(principal, Permission.READ, int(switch.scope_id)) is None
