"""What became of a signal: its row, its event and the result of its command."""

from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.event import Event, Namespace
from oms.domain.orders.order import Order
from oms.domain.signals.reason_text import reason_code
from oms.domain.signals.signal import SignalOutcome, SignalStatus
from oms.domain.value import evolve
from oms.services.account_state.pending import LegFailure, PendingSignal
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes


def failed_outcome(failure: LegFailure) -> SignalOutcome:
    """Return the outcome of a signal that a refusal has ended."""
    return SignalOutcome(
        status=failure.status, reason_code=reason_code(failure.refused), reason=failure.text
    )


def ignored_outcome(code: str) -> SignalOutcome:
    """Return the outcome of a signal with nothing to do."""
    return SignalOutcome(status=SignalStatus.IGNORED, reason_code=code, reason=code)


def done_outcome(state: AccountState, order: Order | None) -> SignalOutcome:
    """Return the outcome of a signal whose last order is ``order``, with the levels it brought."""
    if order is None or not order.filled_qty:
        return SignalOutcome(status=SignalStatus.DONE)
    position = state.find_position(order.position_id)
    has_levels = position is not None and position.is_open and not order.reduce_only
    return SignalOutcome(
        status=SignalStatus.DONE,
        position_id=order.position_id or None,
        stop_gain=position.stop_gain if has_levels and position else None,
        stop_loss=position.stop_loss if has_levels and position else None,
    )


def put_outcome(
    state: AccountState,
    pending: PendingSignal,
    outcome: SignalOutcome,
    refused: Refused | None,
    changes: Changes,
) -> CommandResult:
    """Add row and event to what is written. Returns the final result of the signal's command."""
    outcome = evolve(
        outcome,
        command_ids=(pending.command.id, *pending.command_ids),
        order_ids=tuple(pending.order_ids),
    )
    state.work.signals[pending.signal.signal_id] = outcome
    changes.events.append(signal_event(pending, outcome))
    position_ids = () if outcome.position_id is None else (outcome.position_id,)
    result = CommandResult(
        status=CommandStatus.DONE, order_ids=outcome.order_ids, position_ids=position_ids
    )
    if refused is None or outcome.status is SignalStatus.IGNORED:
        return result
    is_blocked = outcome.status is SignalStatus.BLOCKED
    status = CommandStatus.REFUSED if is_blocked else CommandStatus.FAILED
    return evolve(result, status=status, error=refused)


def signal_event(pending: PendingSignal, outcome: SignalOutcome | None) -> Event:
    """Return an event of the signal; ``outcome`` ``None``: it has just been received."""
    names = {
        SignalStatus.QUEUED: "signal_received",
        SignalStatus.DONE: "signal_done",
        SignalStatus.BLOCKED: "signal_blocked",
        SignalStatus.IGNORED: "signal_ignored",
        SignalStatus.FAILED: "signal_failed",
    }
    signal = pending.signal
    status = SignalStatus.QUEUED if outcome is None else outcome.status
    facts = {
        "signal_id": signal.signal_id,
        "source_id": signal.source_id,
        "symbol": signal.symbol,
        "action": signal.action.value,
        "status": status.value,
        "reason_code": None if outcome is None else outcome.reason_code,
        "command_ids": [pending.command.id, *pending.command_ids],
    }
    return Event(
        name=names[status], namespace=Namespace.SIGNAL, facts=facts, strategy_id=signal.strategy_id
    )
