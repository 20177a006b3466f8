"""``ports.reconciliation.Reconciliations`` on the store's tables."""

from collections.abc import Sequence

from oms.adapters.sql.database import Database
from oms.adapters.sql.rows import reconciliation
from oms.ports.reconciliation import Cursor, Discrepancy


class SqlReconciliations:
    """Reads cursors and discrepancies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cursors(self, account_ids: Sequence[int]) -> Sequence[Cursor]:
        """All cursors of these accounts. Raises ``Unavailable``."""
        if not account_ids:
            return ()
        dialect = self._database.dialect
        text = (
            f"SELECT {reconciliation.CURSORS} FROM reconciliation_cursor"
            f" WHERE account_id IN ({dialect.marks(len(account_ids))}) ORDER BY account_id, entity"
        )
        rows = await self._database.rows(text, account_ids)
        return [reconciliation.cursor_of(row, dialect) for row in rows]

    async def unsettled(self, account_ids: Sequence[int]) -> Sequence[Discrepancy]:
        """Discrepancies that are pending or open, oldest first. Raises ``Unavailable``."""
        if not account_ids:
            return ()
        dialect = self._database.dialect
        text = (
            f"SELECT {reconciliation.DISCREPANCIES} FROM discrepancies"
            f" WHERE account_id IN ({dialect.marks(len(account_ids))})"
            " AND status IN ('pending', 'open') ORDER BY id"
        )
        rows = await self._database.rows(text, account_ids)
        return [reconciliation.discrepancy_of(row, dialect) for row in rows]
