"""``ports.reconciliation.Reconciliations`` on the store's tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from oms.adapters.sql.database import Database
from oms.adapters.sql.rows import deals, reconciliation
from oms.adapters.sql.rows.accounts import PLAN, plan_of
from oms.domain.deal import Deal, DealType
from oms.domain.discrepancy import STANDING, Discrepancy, Status
from oms.domain.money import ZERO, total
from oms.ports.reconciliation import Cursor, InboxQuery, Swept

_SELECT = f"SELECT {reconciliation.DISCREPANCIES} FROM discrepancies"


class SqlReconciliations:
    """Reads cursors and discrepancies. Everything raises ``Unavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def cursors(self, account_ids: Sequence[int]) -> Sequence[Cursor]:
        """All cursors of these accounts."""
        if not account_ids:
            return ()
        text = (
            f"SELECT {reconciliation.CURSORS} FROM reconciliation_cursor"
            f" WHERE account_id IN ({self._dialect.marks(len(account_ids))})"
            " ORDER BY account_id, entity"
        )
        rows = await self._database.rows(text, account_ids)
        return [reconciliation.cursor_of(row, self._dialect) for row in rows]

    async def standing(self, account_ids: Sequence[int]) -> Sequence[Discrepancy]:
        """Discrepancies that the next comparison must know, oldest first."""
        return await self._of(account_ids, STANDING)

    async def opened(self, account_ids: Sequence[int]) -> Sequence[Discrepancy]:
        """Discrepancies that are open, oldest first."""
        return await self._of(account_ids, (Status.OPEN,))

    async def _of(
        self, account_ids: Sequence[int], statuses: Sequence[Status]
    ) -> Sequence[Discrepancy]:
        if not account_ids:
            return ()
        marks = self._dialect.marks
        text = (
            f"{_SELECT} WHERE account_id IN ({marks(len(account_ids))})"
            f" AND status IN ({marks(len(statuses))}) ORDER BY id"
        )
        rows = await self._database.rows(text, (*account_ids, *(s.value for s in statuses)))
        return [reconciliation.discrepancy_of(row, self._dialect) for row in rows]

    async def inbox(self, query: InboxQuery) -> Sequence[Discrepancy]:
        """A page of discrepancies, oldest first."""
        if not query.account_ids:
            return ()
        text = f"{_SELECT} WHERE id > {self._dialect.mark}"
        values: list[object] = [query.after_id]
        named = {"account_id": query.account_ids, "status": query.statuses, "class": query.kinds}
        for column, words in named.items():
            if words:
                text += f" AND {column} IN ({self._dialect.marks(len(words))})"
                values += words
        rows = await self._database.rows(f"{text} ORDER BY id LIMIT {query.limit:d}", values)
        return [reconciliation.discrepancy_of(row, self._dialect) for row in rows]

    async def discrepancy(self, discrepancy_id: int) -> Discrepancy | None:
        """One of them in any state."""
        rows = await self._database.rows(
            f"{_SELECT} WHERE id = {self._dialect.mark}", (discrepancy_id,)
        )
        return reconciliation.discrepancy_of(rows[0], self._dialect) if rows else None

    async def plans(self, account_ids: Sequence[int]) -> Sequence[Swept]:
        """Those of the accounts that may be swept by themselves."""
        if not account_ids:
            return ()
        text = (
            f"SELECT a.id, a.exchange_id, {PLAN} FROM accounts a"
            f" WHERE a.id IN ({self._dialect.marks(len(account_ids))})"
            " AND a.status IN ('active', 'blocked') ORDER BY a.id"
        )
        rows = await self._database.rows(text, account_ids)
        return [Swept(account_id=row[0], exchange_id=row[1], plan=plan_of(row[2:])) for row in rows]

    async def balance_entries(self, account_id: int) -> Mapping[str, Decimal]:
        """What was paid in and out of the account, summed by currency."""
        mark = self._dialect.mark
        text = (
            f"SELECT {deals.SELECTED} FROM oms_deals WHERE position_id = 0"
            f" AND account_id = {mark} AND type = {mark}"
        )
        sums: dict[str, Decimal] = {}
        for row in await self._database.rows(text, (account_id, DealType.BALANCE.value)):
            deal = deals.deal_of(row, self._dialect)
            sums[deal.symbol] = total(sums.get(deal.symbol, ZERO), deal.profit)
        return sums

    async def executions(self, account_id: int, since: datetime, until: datetime) -> Sequence[Deal]:
        """Deals of executions of the account, made in that time."""
        mark, dialect = self._dialect.mark, self._dialect
        text = (
            f"SELECT {deals.SELECTED} FROM oms_deals WHERE account_id = {mark}"
            f" AND executed_at >= {mark} AND executed_at < {mark}"
            f" AND type IN ({dialect.marks(2)}) ORDER BY id"
        )
        kinds = (DealType.TRADE.value, DealType.CORRECTION.value)
        values = (account_id, dialect.time_in(since), dialect.time_in(until), *kinds)
        return [deals.deal_of(row, dialect) for row in await self._database.rows(text, values)]
