"""Payments through the ledger services: what they belong to, whatever arrives first."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON, a_funding, a_late_fee, an_instrument
from kit.ledger.stored_account import StoredAccount, a_trade
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.ledger.deal import DealType
from oms.domain.side import Side
from oms.ports.ledger_store import SymbolHistoryRows

LINEAR = an_instrument()


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


async def test_funding_goes_to_what_was_open_when_it_was_due(store: SqlStore) -> None:
    """Profit 5, and 0.75 paid while the position was open but received after its close."""
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    buy, sell = await account.send("buy", 1), await account.send("sell", 1)
    await account.ingest(a_trade(buy, "t1", 1, 100, at(1)))
    await account.ingest(a_trade(sell, "t3", 1, 105, at(3)))
    await account.commit()
    again = await account.send("buy", 1)
    await account.ingest(a_trade(again, "t4", 1, 105, at(4)))
    await account.commit()

    await account.charge(a_funding(LINEAR.symbol, "8h", "-0.75", at(2)))
    await account.commit()

    books = await account.books()
    realized = sorted(one.realized_pnl for one in books.positions.values())
    assert realized == [0, Decimal("4.25")]


async def test_funding_before_its_executions_is_split_when_they_arrive(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    long = await account.send("buy", 3, new_position=True)
    short = await account.send("sell", 1, new_position=True)
    await account.charge(a_funding(LINEAR.symbol, "8h", "-0.2", at(5)))
    await account.commit()
    await account.restart()
    for order, name, qty in ((long, "t1", 3), (short, "t2", 1)):
        await account.ingest(a_trade(order, name, qty, 100, at(int(name[1:]))))
    await account.commit()

    books = await account.books()
    funding = {one.qty: one.funding for one in books.positions.values()}
    assert funding == {3: Decimal("-0.3"), -1: Decimal("0.1")}
    legs = [deal.profit for deal in books.deals.values() if deal.type is DealType.FUNDING]
    assert sorted(legs) == [Decimal("-0.3"), Decimal("0.1")]


async def test_two_legs_are_paid_funding_in_one_millisecond(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    for side, name, qty in (("buy", "t1", 4), ("sell", "t2", 1)):
        order = await account.send(side, qty, new_position=True)
        await account.ingest(a_trade(order, name, qty, 100, at(1)))
    payments = [
        a_funding(LINEAR.symbol, "8h", "-0.24", at(2), Side.BUY),
        a_funding(LINEAR.symbol, "8h", "0.06", at(2), Side.SELL),
    ]
    await account.charge(*payments)
    await account.charge(*payments)
    await account.commit()
    await account.charge(*payments)
    await account.commit()

    funding = {one.qty: one.funding for one in (await account.books()).positions.values()}
    assert funding == {4: Decimal("-0.24"), -1: Decimal("0.06")}


@pytest.mark.parametrize("sides", [(Side.SELL, None), (None, Side.SELL)], ids=str)
async def test_a_payment_is_booked_once_whether_its_leg_is_named_or_not(
    store: SqlStore, sides: tuple[Side | None, ...]
) -> None:
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    order = await account.send("sell", 1, new_position=True)
    await account.ingest(a_trade(order, "t1", 1, 100, at(1)))
    for side in sides:
        await account.charge(a_funding(LINEAR.symbol, "p1", "0.06", at(2), side))
        await account.commit()

    (position,) = (await account.books()).positions.values()
    assert position.funding == Decimal("0.06")


async def test_funding_of_two_symbols_in_one_millisecond(store: SqlStore) -> None:
    other = an_instrument(symbol="ETH/USDT:USDT", base="ETH")
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR, other)
    for number, symbol in enumerate((LINEAR.symbol, other.symbol)):
        order = await account.send("buy", 1, symbol=symbol)
        await account.ingest(a_trade(order, f"t{number}", 1, 100, at(1)))
    await account.charge(
        a_funding(LINEAR.symbol, "8h", "-0.1", at(2)), a_funding(other.symbol, "8h", "-0.2", at(2))
    )
    await account.commit()

    funding = {p.symbol: p.funding for p in (await account.books()).positions.values()}
    assert funding == {LINEAR.symbol: Decimal("-0.1"), other.symbol: Decimal("-0.2")}


async def test_funding_that_is_booked_already_loads_no_history(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    reads = 0

    async def history_since(*args: Any) -> SymbolHistoryRows:
        nonlocal reads
        reads += 1
        return await read_history(*args)

    read_history = store.ledger.history_since
    monkeypatch.setattr(store.ledger, "history_since", history_since)
    order = await account.send("buy", 2)
    for name in ("t1", "t3"):
        await account.ingest(a_trade(order, name, 1, 100, at(int(name[1:]))))
    payment = a_funding(LINEAR.symbol, "8h", "-0.1", at(2))

    await account.charge(payment)
    assert reads == 1
    await account.charge(payment)
    await account.commit()
    await account.restart()
    await account.charge(payment, payment)
    assert reads == 1

    await account.charge(payment, a_funding(LINEAR.symbol, "9h", "-0.2", at(2)))
    await account.commit()
    assert reads == 2
    (position,) = (await account.books()).positions.values()
    assert position.funding == Decimal("-0.3")


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
