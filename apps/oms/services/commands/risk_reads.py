"""Reads of an account's risk by its worker: the usage of limits, and the verdict on an order.

Both use what the worker has in memory, and the functions that decide on orders; nothing is stored
but the command.
"""

from datetime import datetime

from oms.domain.commands.account_commands import CheckOrder
from oms.domain.commands.command import Command, CommandResult, CommandStatus, SendOrder
from oms.domain.errors import Refused
from oms.domain.money import decimal_text
from oms.domain.risk.judgement import Judgement, order_risk
from oms.domain.risk.usage import policy_usage
from oms.domain.value import evolve
from oms.services.account_state.state import AccountState
from oms.services.commands.policy_limits import exposure_of, read_context
from oms.services.risk.admit_order import admit_request, rounded_request
from oms.services.risk.recent_activity import read_recent
from oms.wire.commands.command_codec import decode_payload
from oms.wire.json import dumps, optional_decimal_text
from oms.wire.responses.risk_policy_rows import CheckRow, refusal_row, usage_row
from oms.wire.responses.risk_rows import risk_detail


async def read_usage(state: AccountState, now: datetime) -> CommandResult:
    """Return the usage of each limit that rules the account."""
    policy = state.policy
    rows = []
    if policy is not None:
        exposure = exposure_of(state)
        held = {p.symbol for p in exposure.positions} | {e.symbol for e in exposure.reserved}
        context = await read_context(state, exposure, sorted(held), now, has_equity=True)
        recent = await read_recent(state, policy, None, now)
        context = evolve(context, recent=recent)
        rows = [usage_row(usage) for usage in policy_usage(policy, context)]
    unreadable = None if policy is None else policy.unreadable
    value = dumps({"items": rows, "unreadable": unreadable})
    return CommandResult(status=CommandStatus.DONE, value=value)


async def check_order(
    state: AccountState, command: Command, payload: CheckOrder, now: datetime
) -> CommandResult:
    """Return the verdict on an order; limits of the API key are not part of it."""
    requested = decode_payload("send_order", payload.order)
    assert isinstance(requested, SendOrder)
    request = rounded_request(state, requested)
    assert isinstance(request, SendOrder)
    judgement = Judgement(is_complete=True)
    approved = await admit_request(state, request, command.actor.api_key_id, now, judgement)
    risk = order_risk(state.policy, approved, judgement)
    row: CheckRow = {
        "ok": True,
        "status": "blocked",
        "qty": None,
        "price": None,
        "reduce_only": request.reduce_only,
        "refusal": None,
        "risk_detail": None if risk is None else risk_detail(risk),
    }
    refused: Refused | None = approved if isinstance(approved, Refused) else approved.cut_by
    if not isinstance(approved, Refused):
        row["status"] = "passed" if approved.cut_by is None else "trimmed"
        row["qty"] = decimal_text(approved.qty)
        row["price"] = optional_decimal_text(approved.price)
        row["reduce_only"] = approved.reduce_only
    row["refusal"] = None if refused is None else refusal_row(refused)
    return CommandResult(status=CommandStatus.DONE, value=dumps(row))
