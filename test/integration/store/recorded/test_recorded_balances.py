"""Balances of coins with written-off dust: a change that no report explains is entered once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from kit.builders import NOON, a_spot_instrument
from kit.ledger.stored_account import StoredAccount, a_trade
from kit.ledger.stored_comparison import StoredComparison
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.ledger.deal import Deal
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.value import evolve

SPOT = a_spot_instrument()
OTHER = a_spot_instrument(symbol="BTC/FDUSD", quote="FDUSD", settle="FDUSD")
DUST = Decimal("0.000006")


class Balances(StoredComparison):
    """Trades of one account, and comparisons of its balances; every difference is entered."""

    def __init__(self, account: StoredAccount) -> None:
        super().__init__(account)
        policies = {"balance_differs": "auto"}
        account.state.account = evolve(account.state.account, policies=policies)
        self._count = 0

    def now(self) -> datetime:
        """Return a later time each time."""
        self._count += 1
        return NOON + timedelta(minutes=self._count)

    async def trade(self, side: str, qty: str | Decimal, **changes: str) -> ExecutionReport:
        """Book one execution of a new order and return it."""
        now = self.now()
        reduce_only = side == "sell"
        symbol = changes.pop("symbol", SPOT.symbol)
        order = await self.account.send(side, qty, reduce_only=reduce_only, symbol=symbol)
        report = a_trade(order, f"t{self._count}", qty, "100", now, **changes)
        await self.account.ingest(report)
        await self.account.commit()
        return report

    async def leave_dust(self, count: int) -> None:
        """Buy and sell with a fee in coins, so that dust is left each time."""
        for _ in range(count):
            await self.trade("buy", "1", fee="0.000004", fee_currency="BTC")
            await self.trade("sell", "0.99999")

    async def entries(self, total: Decimal) -> Mapping[str, Decimal]:
        """Compare until differences are entered, with that total; return all entries."""
        for _ in range(3):
            now = self.now()
            await self.compare(now, now, balances={"BTC": total})
        return await self.rows.balance_entries(self.account.lease.account_id)


async def test_withdrawn_dust_is_entered_once(store: SqlStore) -> None:
    """However often the coin is bought and sold completely afterwards."""
    comparison = Balances(await StoredAccount.create(store, PositionMode.NETTING, SPOT))
    await comparison.leave_dust(2)
    assert await comparison.entries(DUST * 2) == {}
    await comparison.entries(Decimal(0))
    for _ in range(2):
        await comparison.trade("buy", "1")
        assert await comparison.entries(Decimal(1)) == {"BTC": -DUST * 2}
        await comparison.trade("sell", "1")
        assert await comparison.entries(Decimal(0)) == {"BTC": -DUST * 2}


async def test_dust_that_is_sold_with_another_quote_leaves_no_difference(store: SqlStore) -> None:
    """It was written off in one symbol and is sold, beyond positions, in another one."""
    comparison = Balances(await StoredAccount.create(store, PositionMode.NETTING, SPOT, OTHER))
    await comparison.leave_dust(5)
    assert await comparison.entries(DUST * 5) == {}
    await comparison.trade("sell", DUST * 5, symbol=OTHER.symbol)
    assert await comparison.entries(Decimal(0)) == {}


async def test_sales_beyond_positions_are_read_once(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later ones, their busts, and purchases reported late that close them, are known here."""
    comparison = Balances(await StoredAccount.create(store, PositionMode.NETTING, SPOT))
    read, reads = comparison.rows.deals_outside_positions, list[int]()

    async def counted(account_id: int) -> Sequence[Deal]:
        reads.append(account_id)
        return await read(account_id)

    monkeypatch.setattr(comparison.rows, "deals_outside_positions", counted)
    sold = await comparison.trade("sell", "1")
    assert await comparison.entries(Decimal(0)) == {"BTC": 1}
    await comparison.trade("sell", "2")
    assert await comparison.entries(Decimal(0)) == {"BTC": 3}
    busted = evolve(sold, kind=ReportKind.BUSTED, received_at=comparison.now())
    await comparison.account.ingest(busted)
    await comparison.account.commit()
    assert await comparison.entries(Decimal(0)) == {"BTC": 2}
    early = await comparison.account.send("buy", "5")
    await comparison.account.ingest(a_trade(early, "early", "5", "90", NOON))
    await comparison.account.commit()
    assert await comparison.entries(Decimal(3)) == {"BTC": 0}, "the purchase was before the sale"
    assert reads == [comparison.account.lease.account_id]
    known = comparison.account.state.deals_outside_positions
    assert known == {deal.id: deal for deal in await read(reads[0])}
