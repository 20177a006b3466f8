"""Ids of tickets in replays that reach back to different times: those of a replay of all facts."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from kit.builders import NOON, an_instrument
from kit.ledger.stored_account import StoredAccount, a_trade
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.services.replay.rebuild import Books, compare_books, rebuild_books

LINEAR = an_instrument()


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


async def differences(account: StoredAccount) -> list[str]:
    """What a replay of all stored facts changes."""
    rows = await account.books()
    books = Books(
        orders=list(rows.orders.values()),
        deals=list(rows.deals.values()),
        positions=list(rows.positions.values()),
    )
    rebuilt = rebuild_books(PositionMode.HEDGE, LINEAR, books, NOON)
    return [*map(str, compare_books(books, rebuilt))]


async def test_an_entry_with_a_ticket_of_its_own_keeps_it(store: SqlStore) -> None:
    """Its first ticket joined another one, which the later replay does not reach."""
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    first = await account.send("sell", 1)
    second = await account.send("sell", 2, strategy_id=1)
    await account.ingest(a_trade(first, "t1", 1, 100, at(1)))
    (ticket,) = account.state.positions
    names = {"reduce_only": True, "position_id": ticket, "ticket_id": ticket}
    close = await account.send("buy", 2, strategy_id=1, **names)
    await account.ingest(a_trade(second, "t2", 1, 100, at(2)))
    await account.ingest(a_trade(close, "t3", 2, 90, at(3)))
    await account.ingest(a_trade(second, "t5", 1, 100, at(5)))
    await account.commit()
    await account.reassign([first.id], 1)
    await account.commit()
    (own,) = (one.id for one in account.state.positions.values() if one.qty < 0)
    assert await differences(account) == []

    late = await account.send("sell", 1, strategy_id=1)
    await account.ingest(a_trade(late, "t4", 1, 100, at(4)))
    await account.commit()

    assert {one.id: one.qty for one in account.state.positions.values()} == {own: -2}
    assert await differences(account) == []


@pytest.mark.parametrize("lates", [("t6",), ("t5",), ("t4a", "t5")], ids=", ".join)
async def test_an_order_whose_ticket_was_closed_before_opens_no_second_one(
    store: SqlStore, lates: tuple[str, ...]
) -> None:
    """The replay of its next executions, also of late ones, does not reach back to its first."""
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    own: dict[str, Any] = {"strategy_id": 1, "new_position": True}
    order = await account.send("sell", 1 + len(lates), **own)
    await account.ingest(a_trade(order, "t1", 1, 100, at(1)))
    (ticket,) = account.state.positions
    close = await account.send("buy", 1, reduce_only=True, position_id=ticket, ticket_id=ticket)
    await account.ingest(a_trade(close, "t2", 1, 90, at(2)))
    for trade in ("t3", "t4"):
        other = await account.send("sell", 2, **own)
        await account.ingest(a_trade(other, trade, 1, 100, at(3)))
    first, newest = account.state.positions
    await account.ingest(a_trade(other, "t7", 1, 100, at(6)))
    await account.commit()

    times = {"t4a": at(4), "t5": at(5), "t6": at(7)}
    await account.ingest(*(a_trade(order, name, 1, 100, times[name]) for name in lates))
    await account.commit()

    quantities = {one.id: one.qty for one in account.state.positions.values()}
    assert quantities == {first: -1, newest: -2 - len(lates)}
    assert await differences(account) == []
