"""The risk switches of an account, set by its one writer: what opens is judged by them at once.

They are written with the command that sets them, whose row says who and why. Nothing that is open
is touched.
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
    state: AccountState, command: Command, wish: RiskSwitch, changes: Changes
) -> CommandResult:
    """Set it, whatever it was before; an unknown strategy is refused."""
    before = state.account
    known = state.strategy_ids | before.closed_strategies
    if wish.strategy_id and wish.strategy_id not in known:
        message = f"strategy {wish.strategy_id} is not linked to account {before.id}"
        refusal = Refused(code="strategy_not_found", message=message)
        return CommandResult(status=CommandStatus.REFUSED, error=refusal)
    state.account = _after(before, wish)
    state.work.switches.append(
        RiskFlagUpdate(
            strategy_id=wish.strategy_id,
            status=wish.status,
            allow_new_positions=wish.allow_new_positions,
        )
    )
    changes.events.append(_event(command, wish))
    allowed = state.account.allow_new_positions
    if wish.strategy_id:
        allowed = wish.strategy_id not in state.account.closed_strategies
    told = {
        "strategy_id": wish.strategy_id or None,
        "status": state.account.status,
        "allow_new_positions": allowed,
        "rows": int(state.account != before),
    }
    return CommandResult(status=CommandStatus.DONE, value=dumps_fast(told))


def _after(account: Account, wish: RiskSwitch) -> Account:
    if wish.status is not None:
        return evolve(account, status=wish.status)
    allowed = bool(wish.allow_new_positions)
    if not wish.strategy_id:
        return evolve(account, allow_new_positions=allowed)
    mine = {wish.strategy_id}
    closed = account.closed_strategies - mine if allowed else account.closed_strategies | mine
    return evolve(account, closed_strategies=closed)


def _event(command: Command, wish: RiskSwitch) -> Event:
    facts: dict[str, object] = {}
    if wish.status is not None:
        name = "account_status_changed"
        facts["status"] = wish.status
    else:
        scope = "strategy" if wish.strategy_id else "account"
        name = f"{scope}_allow_new_positions_changed"
        facts["allow_new_positions"] = wish.allow_new_positions
        if wish.strategy_id:
            facts["strategy_id"] = wish.strategy_id
    facts |= {
        "comment": wish.comment,
        "actor_user_id": command.actor.user_id,
        "actor_api_key_id": command.actor.api_key_id,
    }
    return Event(name=name, namespace=Namespace.RISK, strategy_id=wish.strategy_id, facts=facts)
