"""Limits in the table ``risk_policies``."""

from collections.abc import Sequence

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.registry.gateway_events import lock_gateway_events, write_gateway_event
from oms.adapters.sql.rows import risk_policies
from oms.domain.risk.policy import LimitChange, PolicyScope, StoredLimits, changed_limits
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps
from oms.wire.responses.risk_policy_rows import limit_edits, settings_of


class SqlRiskPolicyStore(AuditedWriter):
    """``ports.admin.risk_policies.RiskPolicyStore``."""

    async def shared(self) -> StoredLimits:
        """Return the limits of the scopes ``global`` and ``strategy``."""
        text = f"{risk_policies.SELECTED} WHERE scope IN ('global', 'strategy')"
        rows = await self._database.fetch(f"{text} ORDER BY scope, scope_id, name", ())
        return risk_policies.limits_from_rows(rows, self._dialect)

    async def of_scope(self, scope: PolicyScope, scope_id: int) -> StoredLimits:
        """Return the limits of one scope."""
        text, values = risk_policies.select_scope(self._dialect, scope, scope_id)
        rows = await self._database.fetch(text, values)
        return risk_policies.limits_from_rows(rows, self._dialect)

    async def change(
        self,
        scope: PolicyScope,
        scope_id: int,
        changes: Sequence[LimitChange],
        audit_context: AuditContext,
    ) -> None:
        """Store changes with their audit row and an event of account 0."""
        event_id = await self._ids.allocate("event")

        async def work(session: Session) -> AuditedResult[None]:
            # One change at a time: a scope may have no rows to lock yet.
            await lock_gateway_events(session)
            text, values = risk_policies.select_scope(session.dialect, scope, scope_id)
            rows = await session.fetch(text, values)
            before = risk_policies.limits_from_rows(rows, session.dialect).limits
            batch = StatementBatch(session.dialect)
            risk_policies.add_to(batch, changes)
            await session.send(batch)
            facts = {
                "account_id": 0,
                "scope": scope.value,
                "scope_id": scope_id,
                "changes": limit_edits(before, changes),
                "comment": audit_context.comment,
                "actor": audit_context.actor,
            }
            await write_gateway_event(
                session,
                event_id,
                "risk_policy_changed",
                dumps(facts),
                audit_context.at,
            )
            entry = audit_context.entry(
                "risk_policy",
                f"{scope.value}_policy",
                scope_id,
                before=dumps(settings_of(before)),
                after=dumps(settings_of(changed_limits(before, changes))),
            )
            return None, [entry]

        await self._write_audited(work, audit_context.at)
