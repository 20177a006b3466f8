"""Administration of kill switches: permissions, storage, and the commands to affected accounts.

Workers are notified of a stored switch; without the notice it takes effect within a second.
Cancels, closes and the account's own event are commands to the account's worker. The effect of a
switch can be previewed without storing it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.access import Principal, Role, refuse_role
from oms.domain.commands.account_commands import EnforceKillSwitch
from oms.domain.commands.command_targets import target_strategy_ids
from oms.domain.errors import Conflict, Forbidden, Invalid, NotFound
from oms.domain.risk.deadman import DeadmanState, deadman_id_of
from oms.domain.risk.kill_switch import RELEASE_DELAY, KillScope, KillSwitch
from oms.domain.value import evolve
from oms.ports.admin.deadman_switches import DeadmanStore
from oms.ports.admin.strategies import Strategies
from oms.ports.admin.user_admin import UserAdmin
from oms.ports.audit_log import AuditContext
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.kill_switches import KillSwitchStore
from oms.ports.registry import Registry
from oms.services.access.command_permissions import permission_for, refuse_command
from oms.services.submission.kill_switch_reads import KillSwitchReads
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.kill_switch_requests import ActivateKillSwitch, ReleaseKillSwitch
from oms.wire.responses.kill_switch_rows import KillEffect

ROWS_COUNTED_MAX = 5000
#: Scopes over many accounts, which only the roles admin and risk may set.
_MULTI_ACCOUNT_SCOPES = frozenset({KillScope.GLOBAL, KillScope.SYMBOL, KillScope.KEY})


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitchAdmin:
    """Activates, previews and releases kill switches. Every method raises ``Unavailable``."""

    kills: KillSwitchStore
    deadman_switches: DeadmanStore
    registry: Registry
    strategies: Strategies
    people: UserAdmin
    history: HistoryReads
    reads: KillSwitchReads
    #: Lets the workers read switches and shared limits again.
    announce: Callable[[], None]

    async def accounts(self, scope: KillScope, scope_id: str) -> Sequence[int]:
        """Return the ids of the accounts whose worker acts on a switch. Raises ``NotFound``.

        A switch of a key has none: nothing is canceled or closed for it.
        """
        affected = await self._affected_accounts(scope, scope_id)
        return [] if scope is KillScope.KEY else affected

    async def activate(
        self, principal: Principal, request: ActivateKillSwitch, audit_context: AuditContext
    ) -> KillSwitch:
        """Store a new switch. Raises ``Forbidden``, ``NotFound``."""
        await self.check(principal, enforcement_of(request))
        switch = KillSwitch(
            id=0,
            scope=request.scope,
            scope_id=request.scope_id,
            mode=request.mode,
            comment=request.comment,
            cancel_entries=request.cancel_entries,
            flatten=request.flatten,
            cause=request.cause,
            set_by=audit_context.actor,
            set_by_user_id=audit_context.user_id,
            set_by_api_key_id=audit_context.api_key_id,
            set_at=audit_context.at,
        )
        stored = await self.kills.activate(switch, audit_context)
        self.announce()
        return stored

    async def check(self, principal: Principal, payload: EnforceKillSwitch) -> None:
        """Check what the principal may do with a switch on every account that it affects.

        The permission is that of the command which the accounts' workers check again. Raises
        ``Forbidden``, ``NotFound``.
        """
        permission, scope = permission_for(payload), KillScope(payload.scope)
        refused = refuse_role(principal, permission)
        if refused is None:
            accounts = await self._affected_accounts(scope, payload.scope_id)
            if principal.role is Role.ADMIN:
                return
            is_own_key = scope is KillScope.KEY and payload.scope_id == str(principal.api_key_id)
            if is_own_key and payload.on:
                return  # Who may stop trading may stop its own key.
            if scope in _MULTI_ACCOUNT_SCOPES and principal.role is not Role.RISK:
                raise Forbidden(f"a switch of scope {scope.value} needs the role admin or risk")
            strategies = target_strategy_ids(payload)
            refusals = (refuse_command(principal, i, payload, strategies) for i in accounts)
            refused = next((each for each in refusals if each is not None), None)
            if not accounts:
                raise Forbidden("the switch affects no account on which this key may set it")
        if refused is not None:
            raise Forbidden(refused.message, code=refused.code)

    async def _affected_accounts(self, scope: KillScope, scope_id: str) -> Sequence[int]:
        """Return the ids of the accounts whose orders a switch may refuse. Raises ``NotFound``."""
        match scope:
            case KillScope.ACCOUNT:
                if not await self.registry.accounts([int(scope_id)]):
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
                permissions = await self.people.permissions([int(scope_id)])
                return [row.account_id for row in permissions]
            case KillScope.GLOBAL | KillScope.SYMBOL:
                return [row.account.id for row in await self.registry.accounts()]

    def commands(self, switch: KillSwitch, accounts: Sequence[int]) -> list[CommandRequest]:
        """Return the commands for the workers of the accounts, one per account."""
        is_account_scope = switch.scope is KillScope.ACCOUNT
        has_actions = switch.is_on and (switch.cancel_entries or switch.flatten)
        if not is_account_scope and not has_actions:
            return []
        return [
            CommandRequest(
                payload=enforcement_of(switch),
                account_id=account_id,
                request_id=switch.request_id,
            )
            for account_id in accounts
        ]

    async def preview(self, principal: Principal, request: ActivateKillSwitch) -> KillEffect:
        """Return the entry orders that it would cancel now, and the positions it would close.

        The caller needs the permission to activate it. Raises ``Forbidden``, ``NotFound``.
        """
        await self.check(principal, enforcement_of(request))
        accounts = await self.accounts(request.scope, request.scope_id)
        effects: KillEffect = {"accounts": list(accounts), "cancel": [], "close": []}
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

    async def release(
        self,
        principal: Principal,
        switch_id: int,
        request: ReleaseKillSwitch,
        audit_context: AuditContext,
    ) -> KillSwitch:
        """Release a switch. Raises ``NotFound``, ``Forbidden``, ``Invalid``, ``Conflict``."""
        switch = await self.reads.get(principal, switch_id)
        await self.check(principal, enforcement_of(evolve(switch, released_at=audit_context.at)))
        _check_release(switch, request, audit_context.at)
        if not request.override:
            await self._check_cause(switch)
        released = await self.release_stored(switch_id, audit_context)
        if released is None:
            raise Conflict(f"kill switch {switch_id} is released already", reason="released")
        return released

    async def release_stored(
        self, switch_id: int, audit_context: AuditContext
    ) -> KillSwitch | None:
        """Release a switch without further checks; ``None`` if it is released already."""
        released = await self.kills.release(switch_id, audit_context)
        self.announce()
        return released

    async def _check_cause(self, switch: KillSwitch) -> None:
        """Raise ``Conflict`` while the dead-man switch that activated it is not disarmed."""
        deadman_id = deadman_id_of(switch.cause)
        if deadman_id is None:
            return
        deadman = await self.deadman_switches.find(deadman_id)
        if deadman is not None and deadman.state is DeadmanState.FIRED:
            message = f"dead-man switch {deadman_id} has fired: disarm it, or send override"
            raise Conflict(message, reason="cause_stands")


def _check_release(switch: KillSwitch, request: ReleaseKillSwitch, now: datetime) -> None:
    if not switch.is_on:
        raise Conflict(f"kill switch {switch.id} is released already", reason="released")
    if " ".join(request.confirm.split()) != switch.confirmation:
        raise Invalid(f"confirm must be: {switch.confirmation}", reason="confirm")
    if now - switch.set_at < RELEASE_DELAY:
        seconds = int(RELEASE_DELAY.total_seconds())
        raise Conflict(f"not before {seconds} s after it was activated", reason="too_early")


def enforcement_of(switch: KillSwitch | ActivateKillSwitch) -> EnforceKillSwitch:
    """Return the payload of the switch's commands; of a request, which has no id yet, id 0."""
    if isinstance(switch, ActivateKillSwitch):
        kill_id, is_on, comment = 0, True, switch.comment
    else:
        kill_id, is_on = switch.id, switch.is_on
        comment = switch.comment if is_on else switch.release_comment or ""
    return EnforceKillSwitch(
        kill_id=kill_id,
        scope=switch.scope.value,
        scope_id=switch.scope_id,
        mode=switch.mode.value,
        on=is_on,
        cancel_entries=switch.cancel_entries and is_on,
        flatten=switch.flatten and is_on,
        comment=comment or None,
    )
