"""Commands that wait for reports of the exchange: on which orders, and how they complete.

A real exchange answers after the command's own transaction, and a lost answer is found later. Such
a command is running or of unknown outcome and is kept in the account state. The reports that
resolve all its actions complete it, in the transaction that records them. After a restart the
pending commands are restored from the stored ones.
"""

from collections.abc import Iterable, Sequence

from oms.domain.commands.account_commands import (
    EnforceKillSwitch,
    Reconcile,
    RefreshOrder,
    ResolveUnknownOrder,
)
from oms.domain.commands.command import (
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    CloseAllPositions,
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
    ReversePosition,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.order import Order, OrderState
from oms.domain.signals.signal import ExecuteSignal
from oms.domain.value import evolve
from oms.services.account_state.pending import PendingCommand
from oms.services.account_state.state import AccountState
from oms.services.commands.ccxt_call import abandoned_result
from oms.services.commands.flatten import restore_flatten
from oms.services.commands.reverse_position import restore_reverse
from oms.services.ledger.record import Changes
from oms.services.signals.signal_progress import restore_signal


def register_pending(state: AccountState, command: Command, result: CommandResult) -> CommandResult:
    """Return the result of a command just executed: running, until the exchange answers."""
    is_async = state.exchange.sends_after_commit()
    if not ((is_async and result.status is CommandStatus.DONE) or _is_unknown(result)):
        return result
    actions = _open_actions(state, command, result)
    if not actions:
        return result
    state.pending[command.id] = PendingCommand(command=command, actions=actions, result=result)
    return result if _is_unknown(result) else evolve(result, status=CommandStatus.RUNNING)


def restore_pending(
    state: AccountState, stored: Iterable[tuple[Command, CommandResult]]
) -> list[tuple[Command, CommandResult]]:
    """Restore the commands that were pending when the account's last state was dropped.

    Returns the results of calls and reconcile passes, which cannot be resumed.
    """
    finished: list[tuple[Command, CommandResult]] = []
    for command, result in stored:
        match command.payload:
            case CcxtCall() as call:
                finished.append((command, abandoned_result(command, call)))
            case Reconcile():
                refused = Refused(
                    code="timeout", message="the worker stopped during the reconcile pass"
                )
                finished.append(
                    (command, CommandResult(status=CommandStatus.FAILED, error=refused))
                )
            case EnforceKillSwitch(flatten=True):
                restore_flatten(state, command, result)
            case ReversePosition():
                restore_reverse(state, command, result)
            case ExecuteSignal():
                restore_signal(state, command, result)
            case RefreshOrder() | ResolveUnknownOrder():
                refused = Refused(code="timeout", message="the worker stopped during the query")
                finished.append(
                    (command, CommandResult(status=CommandStatus.FAILED, error=refused))
                )
        actions = _open_actions(state, command, result)
        if actions:
            state.pending[command.id] = PendingCommand(
                command=command, actions=actions, result=result
            )
    return finished


def complete_pending(
    state: AccountState, reports: Sequence[ExecutionReport], changes: Changes
) -> list[tuple[Command, CommandResult]]:
    """Complete the commands that ``reports``, just recorded, resolve or make unknown."""
    rejections = {r.order_id: r for r in reports if r.kind is ReportKind.REJECTED}
    unknown_ids = {r.order_id for r in reports if r.kind is ReportKind.UNKNOWN}
    finished: list[tuple[Command, CommandResult]] = []
    for pending in list(state.pending.values()):
        for order_id, action in list(pending.actions.items()):
            order = changes.orders.get(order_id) or state.find_order(order_id)
            if order is None or not _is_answered(order, action):
                continue
            del pending.actions[order_id]
            refused = _refusal(order, action, rejections.get(order_id))
            if refused is not None:
                pending.refused[order_id] = refused
        if not pending.actions:
            del state.pending[pending.command.id]
            finished.append((pending.command, _result(pending)))
        elif unknown_ids & pending.actions.keys() and not _is_unknown(pending.result):
            pending.result = evolve(
                pending.result, status=CommandStatus.UNKNOWN, error=_OUTCOME_UNKNOWN
            )
            finished.append((pending.command, pending.result))
    return finished


_OUTCOME_UNKNOWN = Refused(
    code="outcome_unknown",
    message="the exchange may have executed it; it is being looked up",
    outcome="unknown",
)


def _is_unknown(result: CommandResult) -> bool:
    return result.status is CommandStatus.UNKNOWN


def _open_actions(state: AccountState, command: Command, result: CommandResult) -> dict[int, str]:
    """Return the unresolved actions of the command by id of the open order."""
    ids: Sequence[int | None]
    match command.payload:
        case SendOrder() | ClosePosition():
            action, ids = "place", result.order_ids or (result.order_id,)
        case CloseAllPositions():
            action, ids = "place", result.order_ids
        case ChangeOrder():
            action, ids = "change", (result.order_id,)
        case CancelOrder() | CancelAllOrders():
            action, ids = "cancel", result.order_ids or (result.order_id,)
        case _:
            return {}
    orders = [state.find_order(order_id) for order_id in ids if order_id is not None]
    return {o.id: action for o in orders if o is not None and not _is_answered(o, action)}


def _is_answered(order: Order, action: str) -> bool:
    """Return whether the exchange has answered the action."""
    if action == "place":
        return order.state not in (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN)
    return not order.is_open or order.pending_change is None


def _refusal(order: Order, action: str, report: ExecutionReport | None) -> Refused | None:
    """Return why the action failed, or ``None``."""
    if action == "place":
        if order.state is not OrderState.REJECTED:
            return None
        code = order.reject_code or "exchange_rejected"
        return _as_refused(code, order.reject_message, report)
    if report is not None:
        return _as_refused(report.code or "exchange_rejected", report.message, report)
    if order.state is OrderState.FILLED and action == "cancel":
        message = "the order was filled before the cancel arrived"
        return Refused(code="invalid_order_state", reason="too_late", message=message)
    return None


def _as_refused(code: str, message: str | None, report: ExecutionReport | None) -> Refused:
    sent = code not in ("expired_before_send", "exchange_unavailable", "host_mismatch")
    wait = None if report is None else report.retry_after_s
    return Refused(
        code=code,
        message=message or code,
        outcome="rejected" if sent else "not_sent",
        facts=None if wait is None else {"expected_wait_s": str(wait)},
    )


def _result(pending: PendingCommand) -> CommandResult:
    """Return the final result; one over several orders lists those that failed as skipped."""
    result, refused = pending.result, pending.refused
    is_pair = isinstance(pending.command.payload, SendOrder)
    lists_skipped = isinstance(pending.command.payload, CancelAllOrders | CloseAllPositions)
    if lists_skipped or (len(result.order_ids) > 1 and not is_pair):
        done = tuple(order_id for order_id in result.order_ids if order_id not in refused)
        skipped = tuple((each, refusal.reason or refusal.code) for each, refusal in refused.items())
        return evolve(
            result,
            status=CommandStatus.DONE,
            error=None,
            order_ids=done,
            skipped=(*result.skipped, *skipped),
        )
    refusal = next(iter(refused.values()), None)
    if refusal is None:
        return evolve(result, status=CommandStatus.DONE, error=None)
    if not is_pair or len(result.order_ids) < 2:
        return evolve(result, status=CommandStatus.FAILED, error=refusal, order_ids=())
    message = f"one order of the pair failed, so the other is canceled: {refusal.message}"
    error = evolve(refusal, message=message)
    return evolve(result, status=CommandStatus.FAILED, error=error)
