"""Switches of an account that decide whether it may open or enlarge positions."""

from oms.domain.account import Account
from oms.domain.errors import Refused
from oms.domain.risk.kill_switch import KillSwitch, refuse_killed
from oms.domain.risk.policy import AccountPolicy, refuse_new_positions


def refuse_account(
    account: Account,
    kill_switch: KillSwitch | None,
    policy: AccountPolicy | None,
    strategy_id: int,
) -> Refused | None:
    """Return why the account or its strategy may not open or enlarge positions."""
    if account.status != "active":
        return Refused(
            code="risk_blocked",
            reason="account_blocked",
            message=f"account {account.id} is blocked: only orders that reduce are allowed",
            set_by="account",
        )
    if (killed := refuse_killed(kill_switch, opens=True)) is not None:
        return killed
    if account.quarantine is not None:
        return Refused(
            code="risk_blocked",
            reason="account_quarantined",
            message=f"account {account.id} may only reduce until {account.quarantine} is resolved",
            set_by="account",
        )
    if not account.allow_new_positions:
        return Refused(
            code="risk_blocked",
            reason="new_positions_disabled",
            message=f"account {account.id} may not open or enlarge positions",
            set_by="account",
        )
    if strategy_id in account.closed_strategies:
        return Refused(
            code="risk_blocked",
            reason="new_positions_disabled",
            message=f"strategy {strategy_id} may not open or enlarge positions here",
            set_by="strategy",
        )
    disabled = None if policy is None else refuse_new_positions(policy, strategy_id)
    return disabled or refuse_live_disabled(account)


def refuse_live_disabled(account: Account) -> Refused | None:
    """Return the refusal of trading for real where one of the two live switches is off."""
    if not account.counts_as_live or account.live_enabled:
        return None
    return Refused(
        code="risk_blocked",
        reason="live_disabled",
        message="live trading needs live_trading_allowed of the gateway"
        f" and live_enabled of account {account.id}",
        set_by="account",
    )
