"""Sales of coins that were made elsewhere: spot has no short, in any mode."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from kit.builders import NOON, a_late_fee, a_spot_instrument, an_order
from kit.ledger.stored_account import StoredAccount, a_trade
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.ledger.deal import Deal, DealEntry
from oms.domain.ledger.position import Position
from oms.domain.orders.execution_report import ExecutionReport, ExternalOrderInfo, ReportKind
from oms.domain.orders.order import Side
from oms.domain.reconcile.balance_comparison import coins_outside_positions
from oms.domain.value import evolve
from oms.services.replay.rebuild import Books, compare_books, rebuild_books

SPOT = a_spot_instrument()
HEDGE, NETTING = PositionMode.HEDGE, PositionMode.NETTING


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def elsewhere(
    side: str, trade: str, qty: str, price: str, when: datetime, **changes: object
) -> ExecutionReport:
    """The execution of an order that another program or a person sent."""
    order = an_order(symbol=SPOT.symbol, side=Side(side), qty=Decimal(qty))
    external = ExternalOrderInfo(
        symbol=SPOT.symbol,
        side=order.side,
        order_type="market",
        qty=order.qty,
        created_at=when,
    )
    report = a_trade(order, trade, qty, price, when, **changes)
    return evolve(report, order_id=0, exchange_order_id=f"x-{trade}", external=external)


async def stored(account: StoredAccount) -> tuple[list[Deal], list[Position]]:
    """All rows, after a check that their replay gives the same ones."""
    await account.commit()
    await account.restart()
    books = await account.books()
    orders, deals, positions = (list(rows.values()) for rows in books)
    rows = Books(orders=orders, deals=deals, positions=positions)
    rebuilt = rebuild_books(account.state.account.position_mode, SPOT, rows, NOON)
    assert [*compare_books(rows, rebuilt)] == []
    return sorted(deals, key=lambda deal: deal.id), sorted(positions, key=lambda each: each.id)


async def ticket(account: StoredAccount, trade: str, qty: str, second: float, strategy: int) -> int:
    """A ticket that an order of ``strategy`` opened at 100; returns its id."""
    order = await account.send("buy", qty, strategy_id=strategy, new_position=True)
    await account.ingest(a_trade(order, trade, qty, "100", at(second)))
    return account.order(order.id).position_id


async def test_a_sale_made_elsewhere_closes_the_oldest_tickets(store: SqlStore) -> None:
    """Those of no strategy first, which were bought elsewhere, too; then those of strategies."""
    account = await StoredAccount.create(store, HEDGE, SPOT)
    first, second = await ticket(account, "t1", "1", 1, 1), await ticket(account, "t2", "1", 2, 2)
    await account.ingest(elsewhere("buy", "t3", "1", "100", at(3)))
    sale = elsewhere("sell", "t4", "2.5", "110", at(4), fee="0.5", fee_currency="USDT")
    changes = await account.ingest(sale)
    deals, positions = await stored(account)

    bought = next(one for one in positions if one.id not in (first, second))
    held = {one.id: one.qty for one in positions}
    assert held == {first: 0, second: Decimal("0.5"), bought.id: 0}
    legs = [deal for deal in deals if deal.exchange_trade_id == "t4"]
    assert [leg.position_id for leg in legs] == [bought.id, first, second]
    assert [leg.strategy_id for leg in legs] == [0, 1, 2]
    assert [leg.profit for leg in legs] == [10, 10, 5]
    assert sum(leg.fee or 0 for leg in legs) == Decimal("0.5")
    (order,) = [row for row in changes.orders.values() if row.exchange_order_id == "x-t4"]
    assert order.reduce_only


@pytest.mark.parametrize("mode", list(PositionMode))
async def test_what_is_sold_beyond_positions_opens_no_short(
    store: SqlStore, mode: PositionMode
) -> None:
    account = await StoredAccount.create(store, mode, SPOT)
    await account.ingest(elsewhere("buy", "t1", "1", "100", at(1)))
    changes = await account.ingest(elsewhere("sell", "t2", "3", "110", at(2)))
    deals, (position,) = await stored(account)

    assert (position.qty, position.profit, position.side) == (0, 10, Side.BUY)
    sold = [(leg.position_id, leg.qty, leg.profit) for leg in deals if leg.side is Side.SELL]
    assert sold == [(position.id, 1, 10), (0, 2, 0)]
    assert deals[-1].entry is DealEntry.OUT
    assert coins_outside_positions(deals, {SPOT.symbol: SPOT}) == {"BTC": -2}
    names = [event.name for event in changes.events]
    assert ("position_over_closed" in names) == (mode is HEDGE)


async def test_a_purchase_reported_later_is_closed_by_the_sale(store: SqlStore) -> None:
    """And its bust leaves the sale without a position again; fees follow it."""
    account = await StoredAccount.create(store, HEDGE, SPOT)
    await account.ingest(elsewhere("sell", "t2", "1", "110", at(2)))
    await account.charge(a_late_fee(SPOT.symbol, "t2", "0.25", "USDT", at(2)))
    await stored(account)
    order = await account.send("buy", "2", strategy_id=1, new_position=True)
    bought = a_trade(order, "t1", "2", "100", at(1))
    await account.ingest(bought)
    deals, (position,) = await stored(account)
    assert (position.qty, position.profit, position.fees) == (1, 10, {"USDT": Decimal("0.25")})
    assert {deal.position_id for deal in deals} == {position.id}

    await account.ingest(evolve(bought, kind=ReportKind.BUSTED, received_at=at(9)))
    deals, (position,) = await stored(account)
    assert (position.qty, position.profit, position.fees) == (0, 0, {})
    free = [deal.exchange_trade_id for deal in deals if not deal.position_id]
    assert sorted(free) == ["fee:t2", "t2"]


async def test_a_fee_before_a_sale_without_a_position(store: SqlStore) -> None:
    account = await StoredAccount.create(store, NETTING, SPOT)
    await account.charge(a_late_fee(SPOT.symbol, "t1", "0.25", "USDT", at(1)))
    await account.ingest(elsewhere("sell", "t1", "1", "110", at(1)))
    deals, positions = await stored(account)
    assert positions == []
    assert {deal.exchange_trade_id: deal.order_id is None for deal in deals} == {
        "fee:t1": False,
        "t1": False,
    }


async def test_a_fee_in_coins_is_counted_once(store: SqlStore) -> None:
    """What positions, dust and sales beyond positions hold is what the exchange holds."""
    account = await StoredAccount.create(store, HEDGE, SPOT)
    await account.ingest(elsewhere("buy", "t1", "1", "100", at(1), fee="0.001", fee_currency="BTC"))
    await account.ingest(
        elsewhere("sell", "t2", "0.99899", "100", at(2), fee="0.000003", fee_currency="BTC")
    )
    deals, (position,) = await stored(account)
    assert position.qty == 0, "what is left is dust"
    instruments = {SPOT.symbol: SPOT}
    left = Decimal("1") - Decimal("0.001") - Decimal("0.99899") - Decimal("0.000003")
    assert left == Decimal("0.000007")
    assert coins_outside_positions(deals, instruments) == {"BTC": left}

    await account.ingest(elsewhere("sell", "t3", "0.000007", "100", at(3)))
    deals, _ = await stored(account)
    assert coins_outside_positions(deals, instruments) == {"BTC": 0}
    rows, account_id = store.reconcile_store, account.lease.account_id
    free = await rows.deals_outside_positions(account_id)
    dust = await rows.dust_deals(account_id, ["X/Y", SPOT.symbol])
    assert [deal.exchange_trade_id for deal in (*free, *dust)] == ["t3", "dust:t2"]
    assert await rows.dust_deals(account_id, ["X/Y"]) == []


async def test_a_replay_of_later_executions_keeps_the_position_of_a_sale(store: SqlStore) -> None:
    """Its second execution belongs to none, and the replay does not reach its first one."""
    account = await StoredAccount.create(store, NETTING, SPOT)
    await account.ingest(elsewhere("buy", "t1", "1", "100", at(1)))
    (position,) = account.state.positions.values()
    sale = await account.send("sell", "3", reduce_only=True)
    for trade, second in (("t2", 2), ("t5", 5)):
        await account.ingest(a_trade(sale, trade, "1", "110", at(second)))
    assert account.order(sale.id).position_id == position.id
    await stored(account)

    await account.ingest(elsewhere("sell", "t4", "1", "110", at(4)))

    assert account.order(sale.id).position_id == position.id
    await stored(account)


async def test_a_sale_that_is_reassigned_closes_for_its_strategy(store: SqlStore) -> None:
    account = await StoredAccount.create(store, HEDGE, SPOT)
    first, second = await ticket(account, "t1", "1", 1, 1), await ticket(account, "t2", "1", 2, 2)
    changes = await account.ingest(elsewhere("sell", "t3", "2", "110", at(3)))
    (order_id,) = changes.orders
    await stored(account)
    result = await account.reassign([order_id], 2)
    assert result.error is None
    deals, positions = await stored(account)
    assert {one.id: one.qty for one in positions} == {first: 1, second: 0}
    sold = [(leg.position_id, leg.qty) for leg in deals if leg.side is Side.SELL]
    assert sold == [(second, 1), (0, 1)]
