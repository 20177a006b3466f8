"""Funding payments through the ledger services: what they belong to, whatever arrives first."""

from datetime import datetime, timedelta
from decimal import Decimal

from kit.builders import NOON, an_instrument
from kit.ledger.stored_account import StoredAccount, a_funding, a_trade
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.ledger.deal import DealType
from oms.domain.side import Side

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
