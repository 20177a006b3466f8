"""Legs of signals: what their commands have done, and whether their orders have ended."""

from datetime import datetime, timedelta

from oms.domain.commands.command import CancelOrder, Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.orders.order import Order, OrderState
from oms.domain.signals.plan import EXPIRED_IN_QUEUE
from oms.domain.signals.reason_text import reason_text
from oms.domain.signals.signal import SignalStatus
from oms.services.account_state.pending import LegFailure, PendingSignal, SignalStage
from oms.services.account_state.state import AccountState
from oms.services.signals.opening_order import is_limit
from oms.services.signals.signal_progress import put_progress

STAGE_TIME_MAX = timedelta(seconds=60)
"""How long a signal waits for the orders of a stage; those that are open then stay open."""

_UNANSWERED = (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN)
#: Refusals that say nothing about the order itself.
_FAILURES = frozenset({"exchange_unavailable", "exchange_down", "internal_error", "auth_failed"})
#: A close of what is closed already has done its work.
_ALREADY_CLOSED = "position_not_found"


def note_leg(state: AccountState, command: Command, result: CommandResult) -> None:
    """Note what a command has done, if it is a leg of the first signal."""
    pending = owner_of(state, command.id)
    if pending is None:
        return
    pending.waiting_ids.discard(command.id)
    is_cancel = isinstance(command.payload, CancelOrder)
    if result.order_id is not None and not is_cancel:
        pending.order_ids.append(result.order_id)
        pending.stage_order_ids.append(result.order_id)
    error = result.error
    if error is None or result.status is CommandStatus.UNKNOWN or is_cancel:
        pending.has_executed = True
    elif error.code != _ALREADY_CLOSED:
        pending.failure = pending.failure or failure_of(pending, result.status, error)
    put_progress(state, pending)


def refuse_late_leg(state: AccountState, command: Command, now: datetime) -> Refused | None:
    """Refuse the first leg of a signal whose time has passed since the leg was stored."""
    pending = owner_of(state, command.id)
    if pending is None or pending.has_executed or now <= pending.signal.expires_at:
        return None
    message = f"the signal was to be executed until {pending.signal.expires_at:%H:%M:%S} UTC"
    return Refused(code="command_expired", reason=EXPIRED_IN_QUEUE, message=message)


def owner_of(state: AccountState, command_id: int) -> PendingSignal | None:
    """Return the signal that waits for a command as one of its legs."""
    for pending in state.pending_signals[:1]:
        if command_id in pending.waiting_ids:
            return pending
    return None


def failure_of(pending: PendingSignal, status: CommandStatus, refused: Refused) -> LegFailure:
    """Return how the signal ends with a refusal of one of its legs."""
    signal_status = SignalStatus.BLOCKED
    if refused.reason == EXPIRED_IN_QUEUE:
        signal_status = SignalStatus.IGNORED
    elif status is not CommandStatus.REFUSED or refused.code in _FAILURES:
        signal_status = SignalStatus.FAILED
    text = reason_text(refused, pending.signal.symbol)
    return LegFailure(status=signal_status, refused=refused, text=text)


def is_settled(state: AccountState, pending: PendingSignal, now: datetime) -> bool:
    """Return whether everything of the stage has ended, or has taken too long."""
    if pending.waiting_ids:
        return False
    began_at = pending.stage_began_at
    if began_at is not None and now - began_at >= STAGE_TIME_MAX:
        return True
    orders = (state.find_order(order_id) for order_id in pending.stage_order_ids)
    return all(order is None or _has_ended(pending, order) for order in orders)


def _has_ended(pending: PendingSignal, order: Order) -> bool:
    if not order.is_open:
        return True
    if pending.stage is SignalStage.CANCELING:
        return order.pending_change is None
    return is_limit(pending.signal) and order.state not in _UNANSWERED
