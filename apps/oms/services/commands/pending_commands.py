"""Commands that are waiting for the exchange's word: for which orders, and how they end by it.

A real exchange answers after the command's own transaction, and a lost answer is found later
still. Such a command is running, or unknown, and kept here by its home; the reports that settle
all it asked for end it, in the transaction that books them. After a restart the list is made anew
from the stored commands.
"""

from collections.abc import Iterable, Sequence

from oms.domain.commands.account_commands import Reconcile, RefreshOrder, ResolveUnknownOrder
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
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.order import Order, OrderState
from oms.domain.value import evolve
from oms.services.account_state.state import AccountState, PendingCommand
from oms.services.commands.ccxt_call import abandoned_result
from oms.services.ledger.record import Changes


def register_pending(state: AccountState, command: Command, result: CommandResult) -> CommandResult:
    """The result of a command just run: running, if the exchange's word is still to come."""
    later = state.exchange.sends_after_commit()
    if not ((later and result.status is CommandStatus.DONE) or _in_doubt(result)):
        return result
    actions = _asked(state, command, result)
    if not actions:
        return result
    state.pending[command.id] = PendingCommand(command=command, actions=actions, result=result)
    return result if _in_doubt(result) else evolve(result, status=CommandStatus.RUNNING)


def restore_pending(
    state: AccountState, stored: Iterable[tuple[Command, CommandResult]]
) -> list[tuple[Command, CommandResult]]:
    """Wait again for the commands that were waiting when the last home of the account ended.

    Calls and sweeps ended with it; how, is returned.
    """
    over: list[tuple[Command, CommandResult]] = []
    for command, result in stored:
        match command.payload:
            case CcxtCall() as call:
                over.append((command, abandoned_result(command, call)))
            case Reconcile():
                why = Refused(code="timeout", message="the worker ended while it was sweeping")
                over.append((command, CommandResult(status=CommandStatus.FAILED, error=why)))
            case RefreshOrder() | ResolveUnknownOrder():
                why = Refused(code="timeout", message="the worker ended while it was asking")
                over.append((command, CommandResult(status=CommandStatus.FAILED, error=why)))
        actions = _asked(state, command, result)
        if actions:
            state.pending[command.id] = PendingCommand(
                command=command, actions=actions, result=result
            )
    return over


def complete_pending(
    state: AccountState, reports: Sequence[ExecutionReport], changes: Changes
) -> list[tuple[Command, CommandResult]]:
    """The commands that ``reports``, just recorded, end or put in doubt."""
    refusals = {r.order_id: r for r in reports if r.kind is ReportKind.REJECTED}
    doubts = {r.order_id for r in reports if r.kind is ReportKind.UNKNOWN}
    told: list[tuple[Command, CommandResult]] = []
    for pending in list(state.pending.values()):
        for order_id, verb in list(pending.actions.items()):
            order = changes.orders.get(order_id) or state.find_order(order_id)
            if order is None or not _is_answered(order, verb):
                continue
            del pending.actions[order_id]
            why = _refusal(order, verb, refusals.get(order_id))
            if why is not None:
                pending.refused[order_id] = why
        if not pending.actions:
            del state.pending[pending.command.id]
            told.append((pending.command, _result(pending)))
        elif doubts & pending.actions.keys() and not _in_doubt(pending.result):
            pending.result = evolve(pending.result, status=CommandStatus.UNKNOWN, error=_DOUBT)
            told.append((pending.command, pending.result))
    return told


_DOUBT = Refused(
    code="outcome_unknown",
    message="the exchange may have carried it out; it is being looked up",
    outcome="unknown",
)


def _in_doubt(result: CommandResult) -> bool:
    return result.status is CommandStatus.UNKNOWN


def _asked(state: AccountState, command: Command, result: CommandResult) -> dict[int, str]:
    """What the command asks of which open orders, as far as it is not answered."""
    ids: Sequence[int | None]
    match command.payload:
        case SendOrder() | ClosePosition():
            verb, ids = "place", (result.order_id,)
        case CloseAllPositions():
            verb, ids = "place", result.order_ids
        case ChangeOrder():
            verb, ids = "change", (result.order_id,)
        case CancelOrder() | CancelAllOrders():
            verb, ids = "cancel", result.order_ids or (result.order_id,)
        case _:
            return {}
    orders = [state.find_order(order_id) for order_id in ids if order_id is not None]
    return {o.id: verb for o in orders if o is not None and not _is_answered(o, verb)}


def _is_answered(order: Order, verb: str) -> bool:
    """Whether the exchange has spoken of what was asked."""
    if verb == "place":
        return order.state not in (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN)
    return not order.is_open or order.pending_change is None


def _refusal(order: Order, verb: str, report: ExecutionReport | None) -> Refused | None:
    """Why what was asked of the order has not come to pass, or ``None``."""
    if verb == "place":
        if order.state is not OrderState.REJECTED:
            return None
        code = order.reject_code or "exchange_rejected"
        return _told(code, order.reject_message)
    if report is not None:
        return _told(report.code or "exchange_rejected", report.message)
    if order.state is OrderState.FILLED and verb == "cancel":
        message = "the order was filled before the cancel arrived"
        return Refused(code="invalid_order_state", reason="too_late", message=message)
    return None


def _told(code: str, message: str | None) -> Refused:
    sent = code not in ("expired_before_send", "exchange_unavailable", "host_mismatch")
    return Refused(code=code, message=message or code, outcome="rejected" if sent else "not_sent")


def _result(pending: PendingCommand) -> CommandResult:
    """How the command ended. One over several orders says which it could not deal with."""
    result, refused = pending.result, pending.refused
    if (
        isinstance(pending.command.payload, CancelAllOrders | CloseAllPositions)
        or len(result.order_ids) > 1
    ):
        done = tuple(order_id for order_id in result.order_ids if order_id not in refused)
        skipped = tuple((each, why.reason or why.code) for each, why in refused.items())
        return evolve(
            result,
            status=CommandStatus.DONE,
            error=None,
            order_ids=done,
            skipped=(*result.skipped, *skipped),
        )
    why = next(iter(refused.values()), None)
    if why is None:
        return evolve(result, status=CommandStatus.DONE, error=None)
    return evolve(result, status=CommandStatus.FAILED, error=why, order_ids=())
