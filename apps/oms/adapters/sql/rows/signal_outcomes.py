"""What became of a signal: columns of ``signals`` that the worker writes."""

from collections.abc import Mapping
from datetime import datetime

from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.domain.signals.signal import SignalOutcome
from oms.wire.json import dumps

REASON_CHARACTERS_MAX = 1024
_COLUMNS = (
    *("status", "reason_code", "reason", "command_ids", "order_ids"),
    *("position_id", "stop_gain", "stop_loss", "finished_at"),
)


def add_to(
    batch: StatementBatch, account_id: int, outcomes: Mapping[int, SignalOutcome], now: datetime
) -> None:
    """Append the statements that store outcomes of signals of an account."""
    dialect = batch.dialect
    decimal = dialect.encode_optional_decimal
    assignments = ", ".join(f"{name} = {dialect.param}" for name in _COLUMNS)
    text = (
        f"UPDATE signals SET {assignments}"
        f" WHERE id = {dialect.param} AND account_id = {dialect.param}"
    )
    for signal_id, outcome in outcomes.items():
        reason = outcome.reason
        row = (
            outcome.status.value,
            outcome.reason_code,
            None if reason is None else reason[:REASON_CHARACTERS_MAX],
            dumps(list(outcome.command_ids)),
            dumps(list(outcome.order_ids)),
            outcome.position_id,
            decimal(outcome.stop_gain),
            decimal(outcome.stop_loss),
            dialect.encode_time(now),
            signal_id,
            account_id,
        )
        batch.add("signals", text, [row])
