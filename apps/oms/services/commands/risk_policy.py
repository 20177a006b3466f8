"""Changes of an account's own risk policy, made by its worker; they rule the next order.

They are written in the transaction of the command, with their audit row. Limits of the other scopes
are read from the store at most once a second, like the kill switches.
"""

from dataclasses import dataclass

from oms.domain.commands.account_commands import SetRiskPolicy
from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Invalid, Refused
from oms.domain.event import Event, Namespace
from oms.domain.risk.policy import (
    NO_LIMITS,
    LimitChange,
    PolicyScope,
    StoredLimits,
    changed_limits,
    limit_change,
)
from oms.domain.risk.policy_keys import parse_policy_value
from oms.ports.admin.risk_policies import RiskPolicyStore
from oms.ports.ids import IdBlocks
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.wire.json import dumps, dumps_fast
from oms.wire.responses.risk_policy_rows import limit_edits, limit_rows, settings_of


@dataclass(slots=True, kw_only=True)
class SharedLimits:
    """The limits of the scopes ``global`` and ``strategy``, as they were last read."""

    store: RiskPolicyStore
    current: StoredLimits = NO_LIMITS

    async def refresh(self) -> None:
        """Read the limits; ``current`` stays the same object while they are. Raises
        ``Unavailable``.
        """
        stored = await self.store.shared()
        if stored != self.current:
            self.current = stored


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRiskPolicy:
    """Runs ``SetRiskPolicy``."""

    permissions: CommandPermissions
    ids: IdBlocks

    async def __call__(
        self, state: AccountState, command: Command, payload: SetRiskPolicy, changes: Changes
    ) -> CommandResult:
        """Set the keys; the result's value lists all limits of the account's own policy."""
        try:
            edits = self._edits(state, command, payload)
        except Invalid as error:
            refused = Refused(code=error.code, reason=error.reason, message=error.message)
            return CommandResult.refused(refused)
        before = state.own_limits.limits
        after = changed_limits(before, edits)
        # A limit that cannot be read is replaced by a value of its own key only.
        problems = (each for each in state.own_limits.problems if each[0] not in payload.keys)
        state.set_limits(own=StoredLimits(limits=after, problems=tuple(problems)))
        state.work.limits.extend(edits)
        await self._audit(state, command, payload, settings_of(before), settings_of(after))
        facts: dict[str, object] = {
            "scope": PolicyScope.ACCOUNT.value,
            "scope_id": state.account.id,
            "changes": limit_edits(before, edits),
            "comment": payload.comment,
            "actor": self.permissions.actor_name(command.actor),
        }
        changes.events.append(
            Event(name="risk_policy_changed", namespace=Namespace.RISK, facts=facts)
        )
        return CommandResult(status=CommandStatus.DONE, value=_result(state.own_limits))

    def _edits(
        self, state: AccountState, command: Command, payload: SetRiskPolicy
    ) -> list[LimitChange]:
        """Return a change per key. Raises ``Invalid``."""
        return [
            limit_change(
                PolicyScope.ACCOUNT,
                state.account.id,
                key,
                parse_policy_value(key, sent),
                set_by=self.permissions.actor_name(command.actor),
                set_by_user_id=command.actor.user_id or None,
                set_at=command.created_at,
                comment=payload.comment,
            )
            for key, sent in payload.keys.items()
        ]

    async def _audit(
        self,
        state: AccountState,
        command: Command,
        payload: SetRiskPolicy,
        before: object,
        after: object,
    ) -> None:
        await self.ids.ensure("audit", 1)
        entry = self.permissions.audit_entry(
            command,
            action="risk_policy",
            entity="account_policy",
            entity_id=state.account.id,
            account_id=state.account.id,
            before=dumps(before),
            after=dumps(after),
            comment=payload.comment,
        )
        state.work.audits.append((self.ids("audit"), entry))


def _result(stored: StoredLimits) -> str:
    rows = limit_rows(stored.limits)
    return dumps_fast({"limits": rows, "unreadable": stored.unreadable})
