"""Progress of a running signal as its command's result stores it, and its restoration."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.money import decimal_text
from oms.domain.orders.order import Side
from oms.domain.signals.plan import Opening
from oms.domain.signals.signal import SignalStatus
from oms.services.account_state.pending import LegFailure, PendingSignal, SignalStage
from oms.services.account_state.state import AccountState
from oms.wire.json import dumps_fast, loads, optional_time_text


def running_result(pending: PendingSignal) -> CommandResult:
    """Return the result of the signal's command as long as it is running."""
    return CommandResult(
        status=CommandStatus.RUNNING,
        order_ids=tuple(pending.order_ids),
        value=dumps_fast(_encode(pending)),
    )


def put_progress(state: AccountState, pending: PendingSignal) -> None:
    """Store the progress with the unit of work."""
    state.work.results[pending.command.id] = running_result(pending)


def restore_signal(state: AccountState, command: Command, result: CommandResult) -> None:
    """Continue a signal that was running when the account's last state was dropped."""
    state.pending_signals.append(_decode(command, result))
    state.pending_signals.sort(
        key=lambda each: (
            each.stage is SignalStage.QUEUED,
            each.command.queued_at,
            each.command.id,
        )
    )


def _encode(pending: PendingSignal) -> dict[str, Any]:
    opening, failure = pending.opening, pending.failure
    return {
        "stage": pending.stage.value,
        "began_at": optional_time_text(pending.stage_began_at),
        "commands": pending.command_ids,
        "waiting": sorted(pending.waiting_ids),
        "stage_orders": pending.stage_order_ids,
        "opening": None if opening is None else _opening_row(opening),
        "blocked": pending.blocked,
        "executed": pending.has_executed,
        "failure": None if failure is None else _failure_row(failure),
    }


def _decode(command: Command, result: CommandResult) -> PendingSignal:
    stored: dict[str, Any] = loads(result.value or "{}")
    began_at = stored.get("began_at")
    opening, failure = stored.get("opening"), stored.get("failure")
    return PendingSignal(
        command=command,
        stage=SignalStage(stored.get("stage", SignalStage.QUEUED.value)),
        stage_began_at=None if began_at is None else datetime.fromisoformat(began_at),
        command_ids=list(stored.get("commands", ())),
        waiting_ids=set(stored.get("waiting", ())),
        order_ids=list(result.order_ids),
        stage_order_ids=list(stored.get("stage_orders", ())),
        opening=None if opening is None else _opening_of(opening),
        blocked=stored.get("blocked"),
        has_executed=bool(stored.get("executed")),
        failure=None if failure is None else _failure_of(failure),
    )


def _opening_row(opening: Opening) -> list[str | None]:
    qty = opening.qty
    return [opening.side.value, None if qty is None else decimal_text(qty)]


def _opening_of(row: list[str | None]) -> Opening:
    side, qty = row
    return Opening(side=Side(side or ""), qty=None if qty is None else Decimal(qty))


def _failure_row(failure: LegFailure) -> list[str | None]:
    refused = failure.refused
    return [failure.status.value, refused.code, refused.reason, refused.message, failure.text]


def _failure_of(row: list[Any]) -> LegFailure:
    status, code, reason, message, text = row
    refused = Refused(code=code, reason=reason, message=message)
    return LegFailure(status=SignalStatus(status), refused=refused, text=text)
