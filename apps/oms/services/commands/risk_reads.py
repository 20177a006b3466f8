"""The usage of an account's limits, as its worker knows it."""

from datetime import datetime

from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.risk.usage import policy_usage
from oms.domain.value import evolve
from oms.services.account_state.state import AccountState
from oms.services.commands.policy_limits import exposure_of, read_context
from oms.services.risk.recent_activity import read_recent
from oms.wire.json import dumps
from oms.wire.responses.risk_policy_rows import usage_row


async def read_usage(state: AccountState, now: datetime) -> CommandResult:
    """Return the usage of each limit that rules the account."""
    policy = state.policy
    rows = []
    if policy is not None:
        exposure = exposure_of(state)
        held = {p.symbol for p in exposure.positions} | {e.symbol for e in exposure.reserved}
        context = await read_context(state, exposure, sorted(held), now)
        recent = await read_recent(state, policy, policy.all_keys(), now, counts_signals=True)
        context = evolve(context, recent=recent)
        rows = [usage_row(usage) for usage in policy_usage(policy, context)]
    unreadable = None if policy is None else policy.unreadable
    value = dumps({"items": rows, "unreadable": unreadable, "currency": state.limit_currency})
    return CommandResult(status=CommandStatus.DONE, value=value)
