"""Rows of kill switches that are activated."""

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import Values
from oms.domain.risk.kill_switch import KillSwitch

INSERT = BulkInsert(
    table="kill_switches",
    columns=(
        *("id", "scope", "scope_id", "mode", "comment", "cancel_entries", "flatten", "is_on"),
        *("set_by", "set_by_user_id", "set_by_api_key_id", "created_at", "cause"),
    ),
)


def activation_to_row(switch: KillSwitch, dialect: Dialect) -> Values:
    """Return the row of an active switch in the order of ``INSERT``."""
    return (
        *(switch.id, switch.scope.value, switch.scope_id, switch.mode.value),
        *(switch.comment, int(switch.cancel_entries), int(switch.flatten), 1),
        *(switch.set_by, switch.set_by_user_id, switch.set_by_api_key_id),
        dialect.encode_time(switch.set_at),
        switch.cause,
    )
