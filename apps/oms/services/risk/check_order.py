"""The verdict on a command without the command: what its worker would do with it at this moment.

The functions that decide on commands decide here. Nothing is stored but the question.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oms.domain.commands.account_commands import CheckOrder
from oms.domain.commands.command import (
    ChangeOrder,
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.money import ZERO, decimal_text, subtract
from oms.domain.risk.admission import ApprovedOrder
from oms.domain.risk.exposure import Entry, entry_of
from oms.domain.risk.judgement import Judgement, order_risk
from oms.domain.value import evolve
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.commands.amend_orders import refuse_missing_order
from oms.services.commands.close_switch import kill_switch_of_close
from oms.services.commands.place_order import as_requested, refuse_missing_position
from oms.services.commands.policy_limits import entry_of_request
from oms.services.risk.admit_order import (
    admit_changing,
    admit_closing,
    admit_request,
    refuse_delisted,
    rounded_request,
)
from oms.services.risk.preview_order import JudgedOrder, preview_row
from oms.services.risk.repeated_order import FindRepeatedOrder
from oms.wire.commands.command_codec import decode_payload
from oms.wire.json import dumps, optional_decimal_text
from oms.wire.responses.risk_policy_rows import CheckRow, VerdictRow, refusal_row
from oms.wire.responses.risk_rows import risk_detail


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    #: ``None`` if no order is sent: the remainder of a position is written off.
    approved: ApprovedOrder | Refused | None
    #: The order that is asked about; ``None`` if there is no such order or position.
    judged: JudgedOrder | None


async def check_order(
    state: AccountState,
    command: Command,
    payload: CheckOrder,
    ledger: LedgerStore,
    now: datetime,
    find_repeated: FindRepeatedOrder | None = None,
) -> CommandResult:
    """Return the verdict on a command; limits of the API key are not part of it.

    Raises ``Unavailable``.
    """
    requested = decode_payload(payload.command, payload.order)
    judgement = Judgement(is_complete=True)
    if isinstance(requested, SendOrder):
        if find_repeated is not None:
            judgement.repeated = await find_repeated(state, command, requested, now)
        verdict = await _check_send(state, command, requested, judgement, now)
    elif isinstance(requested, ClosePosition):
        verdict = await _check_close(state, command, requested, ledger, now)
    else:
        assert isinstance(requested, ChangeOrder)
        verdict = await _check_change(state, command, requested, judgement, ledger, now)
    row = _verdict_row(verdict)
    if payload.is_preview:
        preview = await preview_row(
            state, row, payload.command, verdict.judged, judgement.verdicts, now
        )
        return CommandResult(status=CommandStatus.DONE, value=dumps(preview))
    approved = verdict.approved
    risk = None if approved is None else order_risk(state.policy, approved, judgement)
    check: CheckRow = {**row, "risk_detail": None if risk is None else risk_detail(risk)}
    return CommandResult(status=CommandStatus.DONE, value=dumps(check))


async def _check_send(
    state: AccountState,
    command: Command,
    requested: SendOrder,
    judgement: Judgement,
    now: datetime,
) -> _Verdict:
    request = rounded_request(state, requested, now)
    assert isinstance(request, SendOrder)
    approved = await admit_request(state, request, command.actor.api_key_id, now, judgement)
    return _Verdict(approved=approved, judged=_judged(state, request, approved))


async def _check_close(
    state: AccountState,
    command: Command,
    requested: ClosePosition,
    ledger: LedgerStore,
    now: datetime,
) -> _Verdict:
    position = state.positions.get(requested.position_id)
    if position is None:
        refused = await refuse_missing_position(ledger, state, requested.position_id)
        return _Verdict(approved=refused, judged=None)
    delisted = refuse_delisted(state, position.symbol)
    if delisted is not None:
        return _Verdict(approved=delisted, judged=None)
    request = rounded_request(state, requested, now)
    assert isinstance(request, ClosePosition)
    held = position.qty.copy_abs()
    if request.qty is None and held < state.exchange.instruments()[position.symbol].step:
        return _Verdict(approved=None, judged=_judged(state, request, None))
    strategy_id = request.strategy_id or position.strategy_id
    kill_switch = kill_switch_of_close(state, command, position.symbol, strategy_id)
    approved = admit_closing(state, request, position, kill_switch, now)
    return _Verdict(approved=approved, judged=_judged(state, request, approved))


async def _check_change(
    state: AccountState,
    command: Command,
    requested: ChangeOrder,
    judgement: Judgement,
    ledger: LedgerStore,
    now: datetime,
) -> _Verdict:
    order = state.find_order(requested.order_id)
    order = order or await ledger.order(state.account.id, requested.order_id)
    if order is None:
        return _Verdict(approved=refuse_missing_order(requested.order_id), judged=None)
    request, refused = await admit_changing(
        state, requested, order, command.actor.api_key_id, now, judgement
    )
    changed = ApprovedOrder(
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        qty=order.qty if request.new_qty is None else request.new_qty,
        price=order.price if request.new_price is None else request.new_price,
        strategy_id=order.strategy_id,
        position_id=order.position_id,
        reduce_only=order.reduce_only,
        post_only=order.post_only,
    )
    left = max(subtract(changed.qty, order.filled_qty), ZERO)
    entry = evolve(
        entry_of(order),
        qty=left,
        price=changed.price,
        trigger_price=request.new_trigger_price or order.trigger_price,
        time_in_force=request.new_time_in_force or order.time_in_force,
    )
    judged = JudgedOrder(order=changed, entry=entry, is_refused=refused is not None)
    return _Verdict(approved=refused or changed, judged=judged)


def _judged(
    state: AccountState,
    request: SendOrder | ClosePosition,
    approved: ApprovedOrder | Refused | None,
) -> JudgedOrder:
    order = approved if isinstance(approved, ApprovedOrder) else as_requested(state, request)
    entry: Entry = entry_of_request(request, order, order.qty)
    return JudgedOrder(order=order, entry=entry, is_refused=isinstance(approved, Refused))


def _verdict_row(verdict: _Verdict) -> VerdictRow:
    approved, judged = verdict.approved, verdict.judged
    refused: Refused | None = None
    qty: Decimal | None = None
    price: Decimal | None = None
    status = "passed"
    if isinstance(approved, Refused):
        status, refused = "blocked", approved
    elif approved is not None:
        refused, qty, price = approved.cut_by, approved.qty, approved.price
        status = "passed" if refused is None else "trimmed"
    return {
        "ok": True,
        "status": status,
        "qty": None if qty is None else decimal_text(qty),
        "price": optional_decimal_text(price),
        "reduce_only": judged is not None and judged.order.reduce_only,
        "refusal": None if refused is None else refusal_row(refused),
    }
