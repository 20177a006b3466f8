"""Reads for checking the books."""

from collections.abc import Sequence

from oms.adapters.sql.database import Database
from oms.adapters.sql.rows import deals, memory
from oms.adapters.sql.session import Session
from oms.domain.deal import Deal
from oms.ports.exchange import MemoryRows


class SqlAuditReads:
    """``ports.audit_reads.AuditReads``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def deals_of_positions(self, position_ids: Sequence[int]) -> Sequence[Deal]:
        """Deals of the positions, ascending."""
        if not position_ids:
            return ()
        text = (
            f"SELECT {deals.SELECTED} FROM oms_deals"
            f" WHERE position_id IN ({self._dialect.marks(len(position_ids))}) ORDER BY id"
        )
        found = await self._database.rows(text, position_ids)
        return [deals.deal_of(row, self._dialect) for row in found]

    async def commands_with_several_orders(self, account_id: int) -> Sequence[int]:
        """Commands that made more than one order, ascending."""
        text = (
            f"SELECT command_id FROM oms_orders WHERE account_id = {self._dialect.mark}"
            " AND command_id IS NOT NULL GROUP BY command_id HAVING COUNT(*) > 1"
            " ORDER BY command_id"
        )
        return [row[0] for row in await self._database.rows(text, (account_id,))]

    async def paper_memory(self, account_id: int) -> MemoryRows:
        """The memory of the account's paper exchange, in one consistent read."""

        async def work(session: Session) -> MemoryRows:
            return await memory.recall(session, account_id)

        return await self._database.consistent(work)
