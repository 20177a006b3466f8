"""Figures for those who watch: ``ports.figures.Figures``."""

from oms.adapters.sql.database import Database
from oms.ports.figures import Counted

CONTROL = (
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
"""Commands that change an account and are no trade."""


class SqlFigures:
    """Counts by indexes alone: queued commands, and open orders account by account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self) -> Counted:
        """Raises ``Unavailable``."""
        marks = self._database.dialect.marks(len(CONTROL))
        queued = (
            "SELECT COUNT(*) FROM oms_commands WHERE status = 'queued'"
            f" AND command_type IN ({marks})"
        )
        unknown = (
            "SELECT COUNT(*), MIN(o.updated_at) FROM accounts a JOIN oms_orders o"
            " ON o.account_id = a.id AND o.is_open = 1 WHERE o.state = 'UNKNOWN'"
        )
        ((controls,),) = await self._database.rows(queued, CONTROL)
        ((lost, since),) = await self._database.rows(unknown)
        return Counted(
            control_queue_depth=int(controls),
            orders_unknown=int(lost),
            orders_unknown_since=self._database.dialect.optional_time_out(since),
        )
