"""Funding that differs from the exchange's list: a dismissed difference is not raised again."""

from datetime import datetime, timedelta
from decimal import Decimal

from kit.builders import NOON, an_instrument
from kit.ledger.stored_account import StoredAccount
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import Charge, ChargeKind, ReportSource
from oms.domain.reconcile.discrepancy import Discrepancy, DiscrepancyStatus
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeSnapshot
from oms.ports.reconcile_store import DiscrepancyQuery, ReconcileRows
from oms.services.ledger.record import Changes
from oms.services.reconcile.compare import RecordDiscrepancies
from oms.services.reconcile.fixes import Fixes

CONTRACT = an_instrument()


class Passes:
    """Comparisons of one account whose exchange lists a payment that is not booked."""

    def __init__(self, account: StoredAccount) -> None:
        self.account = account
        store = account.store
        assert isinstance(store, SqlStore)
        self.rows = store.reconcile_store
        fixes = Fixes(ledger=store.ledger, record=account.record, ids=store.ids)
        self._compare = RecordDiscrepancies(ids=store.ids, rows=self.rows, fixes=fixes)

    async def compare(self, since: datetime, now: datetime) -> dict[int, Discrepancy]:
        """Compare all since then; return the rows that the comparison knew or made."""
        paid = Charge(
            kind=ChargeKind.FUNDING,
            charge_id="7",
            amount=Decimal(3),
            currency=CONTRACT.settle,
            symbol=CONTRACT.symbol,
            executed_at=NOON,
            source=ReportSource.RECONCILE,
            received_at=now,
        )
        listed = (paid,) if since <= NOON else ()
        snapshot = ExchangeSnapshot(
            since=since, orders=(), trades=(), holdings={}, funding=listed, funding_whole_from=since
        )
        changes = Changes()
        after = await self._compare(self.account.state, snapshot, {}, (), changes, now)
        await self.write(*after.changed.values())
        return after.rows

    async def write(self, *rows: Discrepancy) -> None:
        """Store changed rows."""
        self.account.state.work.reconciled.append(ReconcileRows(discrepancies=rows))
        await self.account.record.append_events(self.account.state, Changes())
        await self.account.commit()

    async def stored(self) -> list[Discrepancy]:
        """Return all rows of the account."""
        query = DiscrepancyQuery(account_ids=[self.account.lease.account_id])
        return list(await self.rows.find_discrepancies(query))


async def test_a_dismissed_difference_is_kept_and_read_by_passes_of_its_time_only(
    store: SqlStore,
) -> None:
    passes = Passes(await StoredAccount.create(store, PositionMode.NETTING, CONTRACT))
    day, hour, minute = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
    for count in (2, 3):
        await passes.compare(NOON - hour, NOON + count * minute)
    (row,) = await passes.stored()
    assert row.status == DiscrepancyStatus.OPEN
    dismissed = evolve(row, status=DiscrepancyStatus.DISMISSED.value)
    await passes.write(dismissed)

    assert await passes.compare(NOON + day - hour, NOON + day) == {}
    assert await passes.compare(NOON - hour, NOON + day) == {row.id: dismissed}
    assert await passes.stored() == [dismissed]
