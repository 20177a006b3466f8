"""Funding that differs from the exchange's list: a dismissed difference is not raised again."""

from datetime import datetime, timedelta
from decimal import Decimal

from kit.builders import NOON, an_instrument
from kit.ledger.stored_account import StoredAccount
from kit.ledger.stored_comparison import StoredComparison
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import Charge, ChargeKind, ReportSource
from oms.domain.reconcile.discrepancy import Discrepancy, DiscrepancyStatus
from oms.domain.value import evolve
from oms.ports.reconcile_store import DiscrepancyQuery

CONTRACT = an_instrument()


class Passes(StoredComparison):
    """Comparisons of one account whose exchange lists a payment that is not booked."""

    async def compare_funding(self, since: datetime, now: datetime) -> dict[int, Discrepancy]:
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
        return await self.compare(since, now, funding=listed, funding_whole_from=since)

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
        await passes.compare_funding(NOON - hour, NOON + count * minute)
    (row,) = await passes.stored()
    assert row.status == DiscrepancyStatus.OPEN
    dismissed = evolve(row, status=DiscrepancyStatus.DISMISSED.value)
    await passes.write(dismissed)

    assert await passes.compare_funding(NOON + day - hour, NOON + day) == {}
    assert await passes.compare_funding(NOON - hour, NOON + day) == {row.id: dismissed}
    assert await passes.stored() == [dismissed]
