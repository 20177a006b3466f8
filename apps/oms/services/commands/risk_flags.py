"""Risk flags of an account, set by its worker; admission checks use them from the next command on.

They are written in the transaction of the command that sets them, whose row holds actor and reason.
Open orders and positions are not affected.
"""

from oms.domain.account import Account
from oms.domain.commands.account_commands import RiskSwitch
from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.event import Event, Namespace
from oms.domain.value import evolve
from oms.ports.ledger_store import RiskFlagUpdate
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.wire.json import dumps_fast


def set_risk_flag(
    state: AccountState, command: Command, payload: RiskSwitch, changes: Changes
) -> CommandResult:
    """Set the flag, whatever it was before; an unknown strategy is refused."""
    before = state.account
    strategy_ids = state.strategy_ids | before.closed_strategies
    if payload.strategy_id and payload.strategy_id not in strategy_ids:
        message = f"strategy {payload.strategy_id} is not linked to account {before.id}"
        refusal = Refused(code="strategy_not_found", message=message)
        return CommandResult.refused(refusal)
    state.account = _with_flag(before, payload)
    state.work.switches.append(
        RiskFlagUpdate(
            strategy_id=payload.strategy_id,
            status=payload.status,
            allow_new_positions=payload.allow_new_positions,
        )
    )
    changes.events.append(_event(command, payload))
    allowed = state.account.allow_new_positions
    if payload.strategy_id:
        allowed = payload.strategy_id not in state.account.closed_strategies
    result = {
        "strategy_id": payload.strategy_id or None,
        "status": state.account.status,
        "allow_new_positions": allowed,
        "rows": int(state.account != before),
    }
    return CommandResult(status=CommandStatus.DONE, value=dumps_fast(result))


def _with_flag(account: Account, payload: RiskSwitch) -> Account:
    if payload.status is not None:
        return evolve(account, status=payload.status)
    allowed = bool(payload.allow_new_positions)
    if not payload.strategy_id:
        return evolve(account, allow_new_positions=allowed)
    strategy = {payload.strategy_id}
    closed = (
        account.closed_strategies - strategy if allowed else account.closed_strategies | strategy
    )
    return evolve(account, closed_strategies=closed)


def _event(command: Command, payload: RiskSwitch) -> Event:
    facts: dict[str, object] = {}
    if payload.status is not None:
        name = "account_status_changed"
        facts["status"] = payload.status
    else:
        scope = "strategy" if payload.strategy_id else "account"
        name = f"{scope}_allow_new_positions_changed"
        facts["allow_new_positions"] = payload.allow_new_positions
        if payload.strategy_id:
            facts["strategy_id"] = payload.strategy_id
    facts |= {
        "comment": payload.comment,
        "actor_user_id": command.actor.user_id,
        "actor_api_key_id": command.actor.api_key_id,
    }
    return Event(name=name, namespace=Namespace.RISK, strategy_id=payload.strategy_id, facts=facts)
