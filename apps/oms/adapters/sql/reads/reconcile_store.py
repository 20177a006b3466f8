"""Reads of reconciliation: cursors, discrepancies, schedules and booked executions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.rows import deals, reconciliation
from oms.adapters.sql.rows.accounts import RECONCILE_COLUMNS, reconcile_intervals_from_row
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.dust import DUST_PREFIX
from oms.domain.money import ZERO, add
from oms.domain.reconcile.discrepancy import (
    DATED_CLASSES,
    DECIDED_STATUSES,
    TRACKED_STATUSES,
    Discrepancy,
    DiscrepancyStatus,
)
from oms.ports.reconcile_store import Cursor, DiscrepancyQuery, ScheduledAccount

_SELECT = f"SELECT {reconciliation.DISCREPANCY_COLUMNS} FROM discrepancies"

SYMBOLS_PER_QUERY_MAX = 500
"""Maximum number of symbols in one statement."""


class SqlReconcileStore:
    """``ports.reconcile_store.ReconcileStore``; every method raises ``Unavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def cursors(self, account_ids: Sequence[int]) -> Sequence[Cursor]:
        """Return all cursors of these accounts."""
        if not account_ids:
            return ()
        text = (
            f"SELECT {reconciliation.CURSOR_COLUMNS} FROM reconciliation_cursor"
            f" WHERE account_id IN ({self._dialect.params(len(account_ids))})"
            " ORDER BY account_id, entity"
        )
        rows = await self._database.fetch(text, account_ids)
        return [reconciliation.cursor_from_row(row, self._dialect) for row in rows]

    async def tracked_discrepancies(
        self, account_ids: Sequence[int], since: datetime | None = None
    ) -> Sequence[Discrepancy]:
        """Return discrepancies that the next comparison needs, oldest first."""
        if since is None:
            return await self._of(account_ids, TRACKED_STATUSES)
        param, params = self._dialect.param, self._dialect.params
        is_needed = (
            f" AND (first_seen >= {param} OR status NOT IN ({params(len(DECIDED_STATUSES))})"
            f" OR class NOT IN ({params(len(DATED_CLASSES))}))"
        )
        names = (each.value for each in (*DECIDED_STATUSES, *DATED_CLASSES))
        values = (self._dialect.encode_time(since), *names)
        return await self._of(account_ids, TRACKED_STATUSES, is_needed, values)

    async def open_discrepancies(self, account_ids: Sequence[int]) -> Sequence[Discrepancy]:
        """Return open discrepancies, oldest first."""
        return await self._of(account_ids, (DiscrepancyStatus.OPEN,))

    async def _of(
        self,
        account_ids: Sequence[int],
        statuses: Sequence[DiscrepancyStatus],
        condition: str = "",
        values: Sequence[object] = (),
    ) -> Sequence[Discrepancy]:
        if not account_ids:
            return ()
        params = self._dialect.params
        text = (
            f"{_SELECT} WHERE account_id IN ({params(len(account_ids))})"
            f" AND status IN ({params(len(statuses))}){condition} ORDER BY id"
        )
        names = [status.value for status in statuses]
        rows = await self._database.fetch(text, (*account_ids, *names, *values))
        return [reconciliation.discrepancy_from_row(row, self._dialect) for row in rows]

    async def find_discrepancies(self, query: DiscrepancyQuery) -> Sequence[Discrepancy]:
        """Return a page of discrepancies, oldest first."""
        if not query.account_ids:
            return ()
        text = f"{_SELECT} WHERE id > {self._dialect.param}"
        values: list[object] = [query.after_id]
        named = {"account_id": query.account_ids, "status": query.statuses, "class": query.kinds}
        for column, words in named.items():
            if words:
                text += f" AND {column} IN ({self._dialect.params(len(words))})"
                values += words
        rows = await self._database.fetch(f"{text} ORDER BY id LIMIT {query.limit:d}", values)
        return [reconciliation.discrepancy_from_row(row, self._dialect) for row in rows]

    async def discrepancy(self, discrepancy_id: int) -> Discrepancy | None:
        """Return one discrepancy in any state."""
        rows = await self._database.fetch(
            f"{_SELECT} WHERE id = {self._dialect.param}", (discrepancy_id,)
        )
        return reconciliation.discrepancy_from_row(rows[0], self._dialect) if rows else None

    async def scheduled_accounts(self, account_ids: Sequence[int]) -> Sequence[ScheduledAccount]:
        """Return the accounts that are reconciled on schedule."""
        if not account_ids:
            return ()
        text = (
            f"SELECT a.id, a.exchange_id, {RECONCILE_COLUMNS} FROM accounts a"
            f" WHERE a.id IN ({self._dialect.params(len(account_ids))})"
            " AND a.status IN ('active', 'blocked') ORDER BY a.id"
        )
        rows = await self._database.fetch(text, account_ids)
        return [
            ScheduledAccount(
                account_id=row[0], exchange_id=row[1], plan=reconcile_intervals_from_row(row[2:])
            )
            for row in rows
        ]

    async def balance_entries(self, account_id: int) -> Mapping[str, Decimal]:
        """Return deposits less withdrawals of the account by currency."""
        param = self._dialect.param
        text = (
            f"SELECT {deals.SELECTED} FROM oms_deals WHERE position_id = 0"
            f" AND account_id = {param} AND type = {param}"
        )
        sums: dict[str, Decimal] = {}
        for row in await self._database.fetch(text, (account_id, DealType.BALANCE.value)):
            deal = deals.deal_from_row(row, self._dialect)
            sums[deal.symbol] = add(sums.get(deal.symbol, ZERO), deal.profit)
        return sums

    async def deals_outside_positions(self, account_id: int) -> Sequence[Deal]:
        """Return executions without a position, with their busts."""
        param, params = self._dialect.param, self._dialect.params
        free = (
            f"SELECT {deals.SELECTED} FROM oms_deals WHERE position_id = 0"
            f" AND account_id = {param} AND type IN ({params(2)})"
        )
        kinds = (DealType.TRADE.value, DealType.CORRECTION.value)
        rows = await self._database.fetch(free, (account_id, *kinds))
        return [deals.deal_from_row(row, self._dialect) for row in rows]

    async def dust_deals(self, account_id: int, symbols: Sequence[str]) -> Sequence[Deal]:
        """Return the written-off dust of ``symbols``."""
        param, params = self._dialect.param, self._dialect.params
        found: list[Deal] = []
        for start in range(0, len(symbols), SYMBOLS_PER_QUERY_MAX):
            page = symbols[start : start + SYMBOLS_PER_QUERY_MAX]
            # A range of the unique index; LIKE reads all deals of the symbols on SQLite.
            dust = (
                f"SELECT {deals.SELECTED} FROM oms_deals WHERE account_id = {param}"
                f" AND symbol IN ({params(len(page))})"
                f" AND exchange_trade_id >= {param} AND exchange_trade_id < {param}"
            )
            bounds = (DUST_PREFIX, DUST_PREFIX[:-1] + chr(ord(DUST_PREFIX[-1]) + 1))
            rows = await self._database.fetch(dust, (account_id, *page, *bounds))
            found += [deals.deal_from_row(row, self._dialect) for row in rows]
        return found

    async def booked_executions(
        self, account_id: int, since: datetime, until: datetime
    ) -> Sequence[Deal]:
        """Return deals executed in ``[since, until)``, ascending by id."""
        kinds = (DealType.TRADE, DealType.CORRECTION)
        return await self._booked(account_id, since, until, kinds)

    async def booked_funding(
        self, account_id: int, since: datetime, until: datetime
    ) -> Sequence[Deal]:
        """Return deals of funding that was due in ``[since, until)``, ascending by id."""
        return await self._booked(account_id, since, until, (DealType.FUNDING,))

    async def _booked(
        self, account_id: int, since: datetime, until: datetime, kinds: Sequence[DealType]
    ) -> Sequence[Deal]:
        param, dialect = self._dialect.param, self._dialect
        text = (
            f"SELECT {deals.SELECTED} FROM oms_deals WHERE account_id = {param}"
            f" AND executed_at >= {param} AND executed_at < {param}"
            f" AND type IN ({dialect.params(len(kinds))}) ORDER BY id"
        )
        names = [kind.value for kind in kinds]
        values = (account_id, dialect.encode_time(since), dialect.encode_time(until), *names)
        return [
            deals.deal_from_row(row, dialect) for row in await self._database.fetch(text, values)
        ]
