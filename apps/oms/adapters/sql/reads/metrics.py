"""Database counts for monitoring."""

from oms.adapters.sql.connection.database import Database
from oms.ports.metrics import DatabaseCounts

CONTROL_COMMANDS = (
    "risk_switch",
    "risk_block",
    "reassign",
    "reconcile",
    "refresh",
    "resolve",
    "paper_price",
    "paper_deposit",
    "paper_reset",
)
"""Types of commands that change an account without trading."""


class SqlMetricsQuery:
    """``ports.metrics.MetricsQuery``; counts use indexes only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self) -> DatabaseCounts:
        """Return the counts. Raises ``Unavailable``."""
        dialect = self._database.dialect
        params = dialect.params(len(CONTROL_COMMANDS))
        queued = (
            "SELECT COUNT(*) FROM oms_commands WHERE status = 'queued'"
            f" AND command_type IN ({params})"
        )
        unknown = (
            "SELECT COUNT(*), MIN(o.updated_at) FROM accounts a JOIN oms_orders o"
            " ON o.account_id = a.id AND o.is_open = 1 WHERE o.state = 'UNKNOWN'"
        )
        waiting = (
            "SELECT MIN(COALESCE(hold_until, created_at)) FROM oms_commands"
            " WHERE status = 'queued' AND after_command_id IS NULL"
            f" AND (hold_until IS NULL OR hold_until <= {dialect.now})"
        )
        ((queued_since,),) = await self._database.fetch(waiting)
        ((controls,),) = await self._database.fetch(queued, CONTROL_COMMANDS)
        ((lost, since),) = await self._database.fetch(unknown)
        return DatabaseCounts(
            control_queue_depth=int(controls),
            orders_unknown=int(lost),
            orders_unknown_since=dialect.decode_optional_time(since),
            queued_since=dialect.decode_optional_time(queued_since),
        )
