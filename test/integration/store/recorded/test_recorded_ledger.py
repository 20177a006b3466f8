"""Histories whose faults appear only between the unit of work, its commit and the next replay."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from kit.builders import NOON, a_spot_instrument, an_instrument
from kit.ledger.stored_account import StoredAccount, a_trade
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve
from oms.services.ledger.record import Changes
from oms.wire.json import loads

LINEAR = an_instrument()
SPOT = a_spot_instrument()


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


def signed(account: StoredAccount) -> list[Decimal]:
    """Signed quantities of the open positions, oldest first."""
    return [one.qty for one in account.state.positions_in(LINEAR.symbol)]


async def round_trips(account: StoredAccount) -> tuple[int, int]:
    """Two tickets, each opened without a name and closed by an order that names it."""
    tickets: list[int] = []
    for number in (1, 3):
        opener = await account.send("buy", 1)
        await account.ingest(a_trade(opener, f"t{number}", 1, 100, at(number)))
        (ticket,) = account.state.positions.values()
        tickets.append(ticket.id)
        closer = await account.send(
            "sell", 1, reduce_only=True, position_id=ticket.id, ticket_id=ticket.id
        )
        await account.ingest(a_trade(closer, f"t{number + 1}", 1, 110, at(number + 1)))
        await account.commit()
    return tickets[0], tickets[1]


async def test_closes_follow_a_ticket_that_a_late_fill_joins_with_another(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    await round_trips(account)
    late = await account.send("buy", 1)

    await account.ingest(a_trade(late, "t1b", 1, 100, at(1.5)))
    await account.commit()

    assert signed(account) == [1]
    await account.restart()
    later = await account.send("buy", 1)
    await account.ingest(a_trade(later, "t1c", 1, 100, at(1.6)))
    await account.commit()
    assert signed(account) == [2]


async def test_a_joined_ticket_is_separate_again_after_a_bust(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    first, second = await round_trips(account)
    late = await account.send("buy", 1)
    fill = a_trade(late, "t1b", 1, 100, at(1.5))
    await account.ingest(fill)
    await account.commit()
    await account.restart()

    await account.ingest(evolve(fill, kind=ReportKind.BUSTED, received_at=at(9)))
    await account.commit()

    assert signed(account) == []
    positions = (await account.books()).positions
    closed = {key: (row.qty_opened, row.qty_closed) for key, row in positions.items()}
    assert closed == {first: (1, 1), second: (1, 1)}


async def test_closes_follow_a_ticket_after_the_bust_of_the_close_before(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    await round_trips(account)
    closes = [d for d in (await account.books()).deals.values() if d.exchange_trade_id == "t2"]
    order = await store.ledger.order(account.lease.account_id, closes[0].order_id or 0)
    assert order is not None

    await account.ingest(a_trade(order, "t2", 1, 110, at(2), kind=ReportKind.BUSTED))
    await account.commit()

    assert signed(account) == [1]


async def test_open_close_order_follows_its_ticket(store: SqlStore) -> None:
    """An order that names a joined ticket and has no execution yet closes the joint one."""
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    first, second = await account.send("buy", 1), await account.send("buy", 1)
    await account.ingest(a_trade(first, "t1", 1, 100, at(1)))
    (ticket,) = account.state.positions
    closer = await account.send("sell", 1, reduce_only=True, position_id=ticket, ticket_id=ticket)
    await account.ingest(a_trade(closer, "t2", 1, 100, at(2)))
    await account.ingest(a_trade(second, "t3", 1, 100, at(3)))
    (ticket,) = account.state.positions
    resting = await account.send("sell", 1, reduce_only=True, position_id=ticket, ticket_id=ticket)
    await account.commit()
    late = await account.send("buy", 1)
    await account.ingest(a_trade(late, "t1b", 1, 100, at(1.5)))
    await account.commit()
    await account.restart()

    await account.ingest(a_trade(resting, "t4", 1, 100, at(4)))
    await account.commit()

    assert signed(account) == [1]


async def test_reassigning_only_the_opener_keeps_what_its_closes_closed(store: SqlStore) -> None:
    """Long 4, of which an order that names the ticket closed 1: the exchange holds 3."""
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    opener = await account.send("buy", 4)
    await account.ingest(a_trade(opener, "t1", 4, 100, at(1)))
    (ticket,) = account.state.positions
    closer = await account.send("sell", 1, reduce_only=True, position_id=ticket, ticket_id=ticket)
    await account.ingest(a_trade(closer, "t2", 1, 100, at(2)))
    await account.commit()

    result = await account.reassign([opener.id], strategy_id=1)
    await account.commit()

    assert (result.error, signed(account)) == (None, [3])


async def test_reassign_refuses_to_leave_closes_without_their_opener(store: SqlStore) -> None:
    """A close that names no ticket takes those of its strategy, and would open one."""
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    opener = await account.send("buy", 4)
    await account.ingest(a_trade(opener, "t1", 4, 100, at(1)))
    closer = await account.send("sell", 1, reduce_only=True)
    await account.ingest(a_trade(closer, "t2", 1, 100, at(2)))
    await account.commit()

    result = await account.reassign([opener.id], strategy_id=1)
    assert result.error is not None
    assert (result.error.code, result.error.reason) == ("invalid_close_volume", "nothing_to_close")
    assert signed(account) == [3]

    result = await account.reassign([opener.id, closer.id], strategy_id=1)
    assert (result.error, signed(account)) == (None, [3])


async def test_two_late_fills_before_one_commit_reach_back_far_enough(store: SqlStore) -> None:
    """The first one makes a position end by a flip that is stored as closed before it."""
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    for number, (side, qty) in enumerate((("buy", 2), ("sell", 2), ("sell", 5)), 1):
        order = await account.send(side, qty)
        await account.ingest(a_trade(order, f"t{number}", qty, 100 + number, at(number)))
        await account.commit()
    await account.restart()

    for name, side, qty, moment in (("t1b", "buy", 1, 1.5), ("t3b", "sell", 1, 3.5)):
        late = await account.send(side, qty)
        await account.ingest(a_trade(late, name, qty, 100, at(moment)))
        last = await account.send("buy", 1)
        await account.ingest(a_trade(last, f"{name}9", 1, 100, at(moment + 9)))
    await account.commit()

    assert await net_quantity(account) == (-3, -3)
    assert signed(account) == [-3]


async def test_bust_of_a_close_leaves_no_dust(store: SqlStore) -> None:
    """What is open again after the bust was not left by a close."""
    account = await StoredAccount.create(store, PositionMode.NETTING, SPOT)
    buy = await account.send("buy", "0.04")
    await account.ingest(a_trade(buy, "t1", "0.04", 100, at(1)))
    sell = await account.send("sell", "0.04", reduce_only=True)
    fill = a_trade(sell, "t2", "0.04", 100, at(2))
    await account.ingest(fill)
    await account.commit()

    await account.ingest(evolve(fill, kind=ReportKind.BUSTED, received_at=at(3)))
    await account.commit()

    (position,) = (await account.books()).positions.values()
    assert position.qty == Decimal("0.04")


async def bought_with_the_dust(store: SqlStore, *, restarts: bool) -> list[tuple[Decimal, ...]]:
    """The positions after a buy in the millisecond of a close that left dust."""
    account = await StoredAccount.create(store, PositionMode.NETTING, SPOT)
    buy = await account.send("buy", "0.0401")
    await account.ingest(a_trade(buy, "t1", "0.0401", 100, at(1)))
    sell = await account.send("sell", "0.04", reduce_only=True)
    closed = await account.ingest(a_trade(sell, "t2", "0.04", 100, at(2)))
    assert "position_dust" in [event.name for event in closed.events]
    await account.commit()
    if restarts:
        await account.restart()

    again = await account.send("buy", "0.5")
    await account.ingest(a_trade(again, "t3", "0.5", 200, at(2)))
    await account.commit()

    positions = (await account.books()).positions
    return [(row.qty, row.avg_price, row.qty_opened) for _, row in sorted(positions.items())]


async def test_dust_follows_all_executions_of_its_time(store: SqlStore) -> None:
    """In memory as in what is read after a restart: the position was not ended before the buy."""
    warm = await bought_with_the_dust(store, restarts=False)
    assert warm == await bought_with_the_dust(store, restarts=True)
    assert [qty for qty, _, _ in warm] == [Decimal("0.5")]


async def test_over_fill_is_booked_and_reported(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.NETTING, LINEAR)
    order = await account.send("buy", 1)
    await account.ingest(a_trade(order, "t2", 1, 100, at(2)))

    changes = await account.ingest(a_trade(order, "t1", "0.5", 100, at(1)))
    await account.commit()

    (event,) = [event for event in changes.events if event.name == "order_over_filled"]
    assert event.facts["excess_qty"] == Decimal("0.5")
    (row,) = await store.reconcile_store.open_discrepancies([account.lease.account_id])
    assert (row.kind, row.policy, row.symbol) == ("order_over_filled", "ask", order.symbol)
    assert loads(row.evidence)["excess_qty"] == "0.5"
    (opened,) = [event for event in changes.events if event.name == "discrepancy_opened"]
    assert opened.facts["discrepancy_id"] == row.id
    assert signed(account) == [Decimal("1.5")]
    assert await net_quantity(account) == (Decimal("1.5"), Decimal("1.5"))


@pytest.mark.parametrize("arrival", [("t1", "t2"), ("t2", "t1")])
async def test_tickets_of_one_millisecond_have_the_order_of_their_executions(
    store: SqlStore, arrival: tuple[str, str]
) -> None:
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    orders = {name: await account.send("buy", 1, new_position=True) for name in ("t1", "t2")}
    for name in arrival:
        price = 100 if name == "t1" else 200
        await account.ingest(a_trade(orders[name], name, 1, price, at(1)))
        await account.commit()
    await account.restart()

    closing = await account.send("sell", 1, reduce_only=True)
    await account.ingest(a_trade(closing, "t3", 1, 300, at(2)))
    await account.commit()

    profits = [one.profit for one in (await account.books()).positions.values()]
    assert sorted(profits) == [0, 200]


async def test_late_fill_after_a_merge_that_is_not_committed(store: SqlStore) -> None:
    """The source of the merge ended before the late execution; the target consists of it, too."""
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    for name in ("t1", "t2"):
        order = await account.send("sell", 2, new_position=True)
        await account.ingest(a_trade(order, name, 2, 100, at(1)))
    source, target = account.state.positions
    account.merge(source, target, at(2))
    later, late = await account.send("buy", 1), await account.send("buy", 1)
    await account.ingest(a_trade(later, "t5", 1, 100, at(5)))
    await account.ingest(a_trade(late, "t4", 1, 100, at(4)))
    await account.commit()

    assert await net_quantity(account) == (-2, -2)
    assert signed(account) == [-4, 2]


async def test_order_names_a_ticket_that_a_reassign_opened(store: SqlStore) -> None:
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    for name in ("t1", "t2"):
        order = await account.send("sell", 2)
        await account.ingest(a_trade(order, name, 2, 100, at(int(name[1:]))))
    await account.reassign([order.id], strategy_id=1)
    opened = max(account.state.positions)
    closing = await account.send("buy", 2, reduce_only=True, position_id=opened, ticket_id=opened)
    await account.ingest(a_trade(closing, "t4", 2, 100, at(4)))
    await account.commit()
    await account.restart()

    late = await account.send("sell", 1)
    await account.ingest(a_trade(late, "t3", 1, 100, at(3)))
    await account.commit()

    assert signed(account) == [-3]


@pytest.mark.parametrize("is_inferred", [False, True])
async def test_an_inferred_execution_leaves_no_ticket_to_the_actual_one(
    store: SqlStore, *, is_inferred: bool
) -> None:
    """The actual one belongs after the close of the ticket: orders that name it do not mean it."""
    account = await StoredAccount.create(store, PositionMode.HEDGE, LINEAR)
    order = await account.send("sell", 2, new_position=True)
    await account.ingest(a_trade(order, "t1", 1, 100, at(1)))
    ticket = account.order(order.id).position_id
    names = {"position_id": ticket, "ticket_id": ticket, "reduce_only": True}
    closes = [await account.send("buy", qty, strategy_id=1, **names) for qty in (2, 1)]
    if is_inferred:
        await account.ingest(a_trade(order, "syn-1", 1, 100, at(2), provisional=True))
    await account.commit()
    await account.ingest(a_trade(closes[0], "t3", 2, 100, at(3)))
    await account.ingest(a_trade(order, "t4", 1, 100, at(4)))
    await account.commit()
    await account.restart()
    await account.ingest(a_trade(closes[1], "t5", 1, 100, at(5)))
    await account.commit()

    positions = (await account.books()).positions.values()
    held = sorted((one.qty, one.qty_opened) for one in positions if one.qty_opened)
    assert held == [(-1, 1), (0, 1), (1, 1), (1, 1)]
