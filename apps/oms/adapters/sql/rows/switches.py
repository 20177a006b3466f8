"""Rows of what an account's switches say."""

from collections.abc import Sequence
from datetime import datetime

from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.script import Script
from oms.ports.ledger import Switched

_ACCOUNT = Insert(
    table="account_risk_state",
    columns=("account_id", "allow_new_positions", "created_at", "updated_at"),
    key=("account_id",),
    changes=("allow_new_positions", "updated_at"),
)
_STRATEGY = Insert(
    table="account_strategy_risk_state",
    columns=("account_id", "strategy_id", "allow_new_positions", "created_at", "updated_at"),
    key=("account_id", "strategy_id"),
    changes=("allow_new_positions", "updated_at"),
)


def into(script: Script, account_id: int, switches: Sequence[Switched], now: datetime) -> None:
    """Write the switches in their order: the last word on each counts."""
    dialect = script.dialect
    mark, at = dialect.mark, dialect.time_in(now)
    for switch in switches:
        if switch.is_quarantine:
            text = f"UPDATE accounts SET quarantine = {mark} WHERE id = {mark}"
            script.add("accounts", text, [(switch.quarantine, account_id)])
        allowed = switch.allow_new_positions
        if switch.status is not None:
            text = f"UPDATE accounts SET status = {mark} WHERE id = {mark}"
            script.add("accounts", text, [(switch.status, account_id)])
        if allowed is None:
            continue
        if switch.strategy_id:
            _STRATEGY.into(script, [(account_id, switch.strategy_id, int(allowed), at, at)])
        else:
            _ACCOUNT.into(script, [(account_id, int(allowed), at, at)])
