"""Risk policies of the scopes ``global`` and ``strategy``: permissions, storage, reads.

An account's own policy is changed by a command to its worker; it is read here as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.domain.access import Permission, Principal, Role, refuse
from oms.domain.commands.account_commands import EnforceKillSwitch
from oms.domain.errors import Forbidden, NotFound
from oms.domain.risk.policy import PolicyScope, StoredLimits, limit_change
from oms.domain.risk.policy_keys import PolicyValue
from oms.ports.admin.risk_policies import RiskPolicyStore
from oms.ports.audit_log import AuditContext
from oms.services.submission.kill_switch_admin import KillSwitchAdmin


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPolicyAdmin:
    """Reads and changes policies. Every method raises ``Unavailable``."""

    store: RiskPolicyStore
    #: Decides who may loosen what affects the accounts of a scope.
    scopes: KillSwitchAdmin

    async def limits(self, principal: Principal, scope: PolicyScope, scope_id: int) -> StoredLimits:
        """Return the limits of one scope that the principal may read.

        Raises ``Forbidden``, ``NotFound``.
        """
        if scope is PolicyScope.ACCOUNT:
            if not await self.scopes.registry.accounts([scope_id]):
                raise NotFound(f"account_id={scope_id}", code="account_not_found")
            refused = refuse(principal, Permission.READ, scope_id)
            if refused is not None:
                raise Forbidden(refused.message, code=refused.code)
        if scope is PolicyScope.STRATEGY:
            await self._check_strategy(principal, scope_id)
        return await self.store.of_scope(scope, scope_id)

    async def _check_strategy(self, principal: Principal, strategy_id: int) -> None:
        rows = await self.scopes.strategies.all()
        row = next((row for row in rows if row.id == strategy_id), None)
        if row is not None and principal.role is Role.ADMIN:
            return
        accounts = () if row is None else row.account_ids
        if any(refuse(principal, Permission.READ, i, (strategy_id,)) is None for i in accounts):
            return
        raise NotFound(f"strategy_id={strategy_id}", code="strategy_not_found")

    async def change(
        self,
        principal: Principal,
        scope: PolicyScope,
        scope_id: int,
        settings: Mapping[str, PolicyValue | None],
        audit_context: AuditContext,
    ) -> StoredLimits:
        """Store the settings of a scope that is no account; returns all its limits.

        It needs what the release of a kill switch of the scope needs. Raises ``Forbidden``,
        ``NotFound``.
        """
        target = "" if scope is PolicyScope.GLOBAL else str(scope_id)
        needed = EnforceKillSwitch(kill_id=0, scope=scope.value, scope_id=target, mode="", on=False)
        await self.scopes.check(principal, needed)
        changes = [
            limit_change(
                scope,
                scope_id,
                key,
                setting,
                set_by=audit_context.actor,
                set_by_user_id=audit_context.user_id,
                set_at=audit_context.at,
                comment=audit_context.comment,
            )
            for key, setting in settings.items()
        ]
        await self.store.change(scope, scope_id, changes, audit_context)
        self.scopes.announce()
        return await self.store.of_scope(scope, scope_id)
