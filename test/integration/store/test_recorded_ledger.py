"""Histories whose faults appear only between the unit of work, its commit and the next replay."""

from datetime import datetime, timedelta
from decimal import Decimal

from kit.builders import NOON, an_instrument
from kit.ledger.stored_account import StoredAccount, a_late_fee, a_trade
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.value import evolve
from oms.services.ledger.record import Changes

LINEAR = an_instrument()


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


async def net_quantity(account: StoredAccount) -> tuple[Decimal, Decimal]:
    """The quantity of the stored deals, and of the stored positions."""
    books = await account.books()
    deals = sum((deal.side.sign * deal.qty for deal in books.deals.values()), Decimal(0))
    return deals, sum((one.qty for one in books.positions.values()), Decimal(0))


async def test_replaced_inferred_execution_leaves_no_deal(store: SqlStore) -> None:
    """A stored inferred deal that shrinks and then ends in one unit of work is deleted."""
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    order = await account.send("buy", 3)
    await account.ingest(a_trade(order, "syn-1", 3, 100, at(5), provisional=True))
    await account.commit()

    await account.ingest(a_trade(order, "t1", 1, 100, at(1)))
    await account.ingest(a_trade(order, "t2", 2, 100, at(2)))
    await account.commit()
    more = await account.send("buy", 1)
    await account.commit()
    await account.restart()
    await account.ingest(a_trade(more, "t0", 1, 100, at(0)))
    await account.commit()

    assert await net_quantity(account) == (4, 4)


async def test_legs_of_a_changed_execution_are_known_before_the_commit(store: SqlStore) -> None:
    """A repeated execution whose stored deal was split since is a repetition, not a conflict."""
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    order = await account.send("sell", 3)
    fill = a_trade(order, "t2", 3, 100, at(5))
    await account.ingest(fill)
    await account.commit()
    late = await account.send("buy", 1)
    await account.ingest(a_trade(late, "t1", 1, 100, at(1)))

    changes = await account.ingest(fill)

    assert [event.name for event in changes.events] == []
    await account.commit()
    assert await net_quantity(account) == (-2, -2)


async def test_second_fee_of_a_closing_trade_does_not_reopen_its_position(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    for number, (side, price) in enumerate(
        (("buy", 100), ("sell", 110), ("buy", 120), ("sell", 130))
    ):
        order = await account.send(side, 1)
        account.exchange.charges += [
            a_late_fee(LINEAR.symbol, f"t{number}", "0.1", "BNB", at(number))
        ]
        trade = a_trade(order, f"t{number}", 1, price, at(number), fee="0.5")
        await account.ingest(trade)
        await account.commit()

    books = await account.books()
    assert [one.qty for one in books.positions.values()] == [0, 0]
    assert [one.fees for one in books.positions.values()] == [
        {"USDT": 1, "BNB": Decimal("0.2")}
    ] * 2
    assert not account.state.positions


async def test_late_fee_of_a_closed_position_is_booked(store: SqlStore) -> None:
    """Profit 5, fees of 2 and 2, and a fee of 1 that arrives after the close: nothing is left."""
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    buy, sell = await account.send("buy", 1), await account.send("sell", 1)
    await account.ingest(a_trade(buy, "t1", 1, 100, at(1), fee=2))
    await account.ingest(a_trade(sell, "t2", 1, 105, at(2), fee=2))
    await account.commit()

    await account.charge(a_late_fee(LINEAR.symbol, "t2", 1, "USDT", at(2)))
    await account.commit()

    (position,) = (await account.books()).positions.values()
    assert (position.is_open, position.realized_pnl) == (False, 0)


async def test_late_fee_of_a_position_that_the_running_commit_closes(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    buy, sell = await account.send("buy", 1), await account.send("sell", 1)
    await account.ingest(a_trade(buy, "t1", 1, 100, at(1), fee=2))
    await account.ingest(a_trade(sell, "t2", 1, 105, at(2), fee=2))
    batch = account.state.begin_commit()

    await account.charge(a_late_fee(LINEAR.symbol, "t2", 1, "USDT", at(2)))
    await store.ledger.commit([batch])
    account.state.mark_committed()
    await account.commit()

    (position,) = (await account.books()).positions.values()
    assert (position.is_open, position.realized_pnl) == (False, 0)


async def test_fee_that_precedes_its_trade_goes_to_the_position_of_the_trade(
    store: SqlStore,
) -> None:
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    buy, sell = await account.send("buy", 1), await account.send("sell", 1)
    for name in ("t1", "t2", "t0"):
        await account.charge(a_late_fee(LINEAR.symbol, name, 1, "USDT", at(int(name[1:]))))
    await account.ingest(a_trade(buy, "t1", 1, 100, at(1)))
    await account.commit()
    await account.restart()
    await account.ingest(a_trade(sell, "t2", 1, 105, at(2)))
    early = await account.send("buy", 1)
    await account.ingest(a_trade(early, "t0", 1, 100, at(0)))
    await account.commit()

    books = await account.books()
    (position,) = books.positions.values()
    assert (position.qty, position.fees) == (1, {"USDT": 3})
    assert {deal.position_id for deal in books.deals.values()} == {position.id}


async def test_fees_in_two_further_currencies_are_both_booked(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    buy = await account.send("buy", 1)
    fees = [a_late_fee(LINEAR.symbol, "t1", 1, name, at(1)) for name in ("BNB", "GT")]
    account.exchange.charges += fees
    await account.ingest(a_trade(buy, "t1", 1, 100, at(1), fee=2))
    await account.charge(*fees)
    await account.commit()
    await account.restart()
    await account.charge(*fees)
    await account.commit()

    (position,) = (await account.books()).positions.values()
    assert position.fees == {"USDT": 2, "BNB": 1, "GT": 1}


async def test_notes_on_a_stored_deal_are_written(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    order = await account.send("buy", 1)
    await account.ingest(a_trade(order, "t1", 1, 100, at(1)))
    await account.commit()
    (deal,) = (await account.books()).deals.values()

    noted = evolve(deal, comment="checked", reconciled=False)
    account.record.stage(account.state, LedgerUpdate(deals_changed=(noted,)), Changes())
    await account.commit()

    assert (await account.books()).deals == {deal.id: noted}
