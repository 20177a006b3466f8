"""Commands that are waiting for the exchange's word: for which orders, and how they end by it.

A real exchange answers after the command's own transaction, and a lost answer is found later
still. Such a command is running, or unknown, and kept here by its home; the reports that settle
all it asked for end it, in the transaction that books them. After a restart the list is made anew
from the stored commands.
"""

from collections.abc import Iterable, Sequence

from oms.domain.command import (
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    CloseAll,
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
    SendOrder,
)
from oms.domain.control import Reconcile, Refresh, Resolve
from oms.domain.errors import Refused
from oms.domain.order import Order, OrderState
from oms.domain.report import Report, ReportKind
from oms.domain.value import evolve
from oms.services.ccxt_call import abandoned
from oms.services.home import Awaited, Home
from oms.services.record import Changes


def begun(home: Home, command: Command, result: CommandResult) -> CommandResult:
    """The result of a command just run: running, if the exchange's word is still to come."""
    later = home.exchange.answers_later()
    if not ((later and result.status is CommandStatus.DONE) or _in_doubt(result)):
        return result
    asked = _asked(home, command, result)
    if not asked:
        return result
    home.awaited[command.id] = Awaited(command=command, asked=asked, result=result)
    return result if _in_doubt(result) else evolve(result, status=CommandStatus.RUNNING)


def resumed(
    home: Home, stored: Iterable[tuple[Command, CommandResult]]
) -> list[tuple[Command, CommandResult]]:
    """Wait again for the commands that were waiting when the last home of the account ended.

    Calls and sweeps ended with it; how, is returned.
    """
    over: list[tuple[Command, CommandResult]] = []
    for command, result in stored:
        match command.payload:
            case CcxtCall() as call:
                over.append((command, abandoned(command, call)))
            case Reconcile():
                why = Refused(code="timeout", message="the worker ended while it was sweeping")
                over.append((command, CommandResult(status=CommandStatus.FAILED, error=why)))
            case Refresh() | Resolve():
                why = Refused(code="timeout", message="the worker ended while it was asking")
                over.append((command, CommandResult(status=CommandStatus.FAILED, error=why)))
        asked = _asked(home, command, result)
        if asked:
            home.awaited[command.id] = Awaited(command=command, asked=asked, result=result)
    return over


def ended(
    home: Home, reports: Sequence[Report], changes: Changes
) -> list[tuple[Command, CommandResult]]:
    """The commands that ``reports``, just recorded, end or put in doubt."""
    refusals = {r.order_id: r for r in reports if r.kind is ReportKind.REJECTED}
    doubts = {r.order_id for r in reports if r.kind is ReportKind.UNKNOWN}
    told: list[tuple[Command, CommandResult]] = []
    for awaited in list(home.awaited.values()):
        for order_id, verb in list(awaited.asked.items()):
            order = changes.orders.get(order_id) or home.known_order(order_id)
            if order is None or not _is_answered(order, verb):
                continue
            del awaited.asked[order_id]
            why = _refusal(order, verb, refusals.get(order_id))
            if why is not None:
                awaited.refused[order_id] = why
        if not awaited.asked:
            del home.awaited[awaited.command.id]
            told.append((awaited.command, _result(awaited)))
        elif doubts & awaited.asked.keys() and not _in_doubt(awaited.result):
            awaited.result = evolve(awaited.result, status=CommandStatus.UNKNOWN, error=_DOUBT)
            told.append((awaited.command, awaited.result))
    return told


_DOUBT = Refused(
    code="outcome_unknown",
    message="the exchange may have carried it out; it is being looked up",
    outcome="unknown",
)


def _in_doubt(result: CommandResult) -> bool:
    return result.status is CommandStatus.UNKNOWN


def _asked(home: Home, command: Command, result: CommandResult) -> dict[int, str]:
    """What the command asks of which open orders, as far as it is not answered."""
    ids: Sequence[int | None]
    match command.payload:
        case SendOrder() | ClosePosition():
            verb, ids = "place", (result.order_id,)
        case CloseAll():
            verb, ids = "place", result.order_ids
        case ChangeOrder():
            verb, ids = "change", (result.order_id,)
        case CancelOrder() | CancelAllOrders():
            verb, ids = "cancel", result.order_ids or (result.order_id,)
        case _:
            return {}
    orders = [home.known_order(order_id) for order_id in ids if order_id is not None]
    return {o.id: verb for o in orders if o is not None and not _is_answered(o, verb)}


def _is_answered(order: Order, verb: str) -> bool:
    """Whether the exchange has spoken of what was asked."""
    if verb == "place":
        return order.state not in (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN)
    return not order.is_open or order.pending_change is None


def _refusal(order: Order, verb: str, report: Report | None) -> Refused | None:
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


def _result(awaited: Awaited) -> CommandResult:
    """How the command ended. One over several orders says which it could not deal with."""
    result, refused = awaited.result, awaited.refused
    if isinstance(awaited.command.payload, CancelAllOrders | CloseAll) or len(result.order_ids) > 1:
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
