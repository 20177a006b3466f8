"""Rows of risk flags, account status and quarantine."""

from collections.abc import Sequence
from datetime import datetime

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.ports.ledger_store import RiskFlagUpdate

_ACCOUNT = BulkInsert(
    table="account_risk_state",
    columns=("account_id", "allow_new_positions", "created_at", "updated_at"),
    key=("account_id",),
    update_columns=("allow_new_positions", "updated_at"),
)
_STRATEGY = BulkInsert(
    table="account_strategy_risk_state",
    columns=("account_id", "strategy_id", "allow_new_positions", "created_at", "updated_at"),
    key=("account_id", "strategy_id"),
    update_columns=("allow_new_positions", "updated_at"),
)


def add_to(
    batch: StatementBatch, account_id: int, switches: Sequence[RiskFlagUpdate], now: datetime
) -> None:
    """Append the statements of the updates in order; the last one of each flag wins."""
    dialect = batch.dialect
    param, at = dialect.param, dialect.encode_time(now)
    for switch in switches:
        if switch.is_quarantine:
            text = f"UPDATE accounts SET quarantine = {param} WHERE id = {param}"
            batch.add("accounts", text, [(switch.quarantine, account_id)])
        allowed = switch.allow_new_positions
        if switch.status is not None:
            text = f"UPDATE accounts SET status = {param} WHERE id = {param}"
            batch.add("accounts", text, [(switch.status, account_id)])
        if allowed is None:
            continue
        if switch.strategy_id:
            _STRATEGY.add_to(batch, [(account_id, switch.strategy_id, int(allowed), at, at)])
        else:
            _ACCOUNT.add_to(batch, [(account_id, int(allowed), at, at)])
