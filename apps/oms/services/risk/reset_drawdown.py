"""Reset of the drawdown: the high-water mark becomes the current equity, and entries pass again."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oms.domain.commands.account_commands import ResetDrawdown
from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.event import Event, Namespace
from oms.domain.money import decimal_text
from oms.domain.risk.limit_context import RiskState
from oms.domain.risk.trips import after_reset, mark_at
from oms.ports.ids import IdBlocks
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState
from oms.services.commands.policy_limits import exposure_of, read_context
from oms.services.ledger.record import Changes
from oms.services.risk.observe_losses import DRAWDOWN
from oms.wire.json import dumps, dumps_fast, time_text


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDrawdownReset:
    """Runs ``ResetDrawdown``."""

    permissions: CommandPermissions
    ids: IdBlocks

    async def __call__(
        self,
        state: AccountState,
        command: Command,
        payload: ResetDrawdown,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Set the mark to the current equity; refused while that is not known."""
        if payload.key != DRAWDOWN:
            message = f"only {DRAWDOWN} is reset; a limit on the loss of a day ends with the day"
            return CommandResult.refused(
                Refused(code="validation_error", reason="unknown_key", message=message)
            )
        context = await read_context(state, exposure_of(state), (), now)
        mark = mark_at(context.equity, now)
        if mark is None or context.equity.equity is None:
            message = f"the equity of account {state.account.id} is not known; try again"
            return CommandResult.refused(
                Refused(code="conflict", reason="equity_unknown", message=message)
            )
        before = state.risk
        state.set_risk(after_reset(before, payload.key, mark, now))
        await self._audit(state, command, payload, before)
        facts: dict[str, object] = {
            "key": payload.key,
            "equity": context.equity.equity,
            "currency": mark.currency,
            "comment": payload.comment,
            "actor": self.permissions.actor_name(command.actor),
        }
        changes.events.append(Event(name="risk_reset", namespace=Namespace.RISK, facts=facts))
        value = _result(payload.key, context.equity.equity, mark.currency, now)
        return CommandResult(status=CommandStatus.DONE, value=value)

    async def _audit(
        self, state: AccountState, command: Command, payload: ResetDrawdown, before: RiskState
    ) -> None:
        await self.ids.ensure("audit", 1)
        entry = self.permissions.audit_entry(
            command,
            action="risk_reset",
            entity="account_policy",
            entity_id=state.account.id,
            account_id=state.account.id,
            before=dumps(_audited(before)),
            after=dumps(_audited(state.risk)),
            comment=payload.comment,
        )
        state.work.audits.append((self.ids("audit"), entry))


def _result(key: str, equity: Decimal, currency: str, now: datetime) -> str:
    fields = {"key": key, "high_water": decimal_text(equity), "currency": currency}
    return dumps_fast(fields | {"reset_at": time_text(now)})


def _audited(risk: RiskState) -> dict[str, str | None]:
    """Return the drawdown of an account as the audit log holds it."""
    trip, mark = risk.trip_of(DRAWDOWN), risk.high_water
    return {
        "tripped_at": None if trip is None else time_text(trip.tripped_at),
        "drawdown_pct": None if trip is None or trip.actual is None else decimal_text(trip.actual),
        "peak": None if mark is None else decimal_text(mark.peak),
        "currency": None if mark is None else mark.currency,
    }
