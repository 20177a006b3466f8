"""Comparisons of a stored account with snapshots of its exchange, committed one by one."""

from datetime import datetime
from typing import Any

from kit.ledger.stored_account import StoredAccount
from oms.adapters.sql.store import SqlStore
from oms.domain.reconcile.discrepancy import Discrepancy
from oms.ports.exchange import ExchangeSnapshot
from oms.ports.reconcile_store import ReconcileRows
from oms.services.ledger.record import Changes
from oms.services.reconcile.compare import RecordDiscrepancies
from oms.services.reconcile.fixes import Fixes


class StoredComparison:
    """Compares one account; discrepancies and corrections are stored."""

    def __init__(self, account: StoredAccount) -> None:
        self.account = account
        store, record = account.store, account.record
        assert isinstance(store, SqlStore)
        self.rows = store.reconcile_store
        fixes = Fixes(ledger=store.ledger, record=record, ids=store.ids)
        self._compare = RecordDiscrepancies(ids=store.ids, rows=self.rows, fixes=fixes)

    async def compare(
        self, since: datetime, now: datetime, **listed: Any
    ) -> dict[int, Discrepancy]:
        """Compare with what the exchange lists; return the rows that were known or made."""
        empty: dict[str, Any] = {"orders": (), "trades": (), "holdings": {}}
        snapshot = ExchangeSnapshot(since=since, **(empty | listed))
        changes = Changes()
        after = await self._compare(self.account.state, snapshot, {}, (), changes, now)
        await self.write(*after.changed.values(), changes=changes)
        return after.rows

    async def write(self, *rows: Discrepancy, changes: Changes | None = None) -> None:
        """Store changed rows."""
        state = self.account.state
        state.work.reconciled.append(ReconcileRows(discrepancies=rows))
        await self.account.record.append_events(state, changes or Changes())
        await self.account.commit()
