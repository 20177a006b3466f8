"""History reads: filters, pages, snapshots, events."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from kit.databases.store_rows import (
    NOON,
    a_command,
    a_deal,
    a_lease,
    a_position,
    an_account,
    an_event,
    an_order,
    enqueue,
    seconds_after,
)
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.deal import DealType
from oms.domain.ledger.position import PositionState
from oms.domain.orders.order import OrderState
from oms.ports.history_reads import HistoryQuery
from oms.ports.ledger_store import AccountBatch

Opener = Callable[[], Awaitable[SqlStore]]
OPEN = OrderState.SUBMITTED


async def create_history(store: SqlStore, count: int = 10) -> int:
    """Create an account with ``count`` orders, deals and positions; even ones are open."""
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    numbers = range(1, count + 1)
    batch = AccountBatch(
        lease=lease,
        head_before=0,
        head_after=count,
        orders_new=[
            an_order(
                n,
                account_id,
                state=OPEN if n % 2 == 0 else OrderState.EXPIRED,
                strategy_id=n % 3,
                symbol="ETH/USDT" if n > 5 else "BTC/USDT",
                updated_at=seconds_after(n),
                reconciled=n != 1,
            )
            for n in numbers
        ],
        deals=[
            a_deal(n, account_id, executed_at=seconds_after(n), strategy_id=n % 3) for n in numbers
        ],
        positions_new=[
            a_position(
                n,
                account_id,
                state=PositionState.OPEN if n % 2 == 0 else PositionState.CLOSED,
                strategy_id=n % 3,
                updated_at=seconds_after(n),
            )
            for n in numbers
        ],
        events=[an_event(n, account_id, n) for n in numbers],
    )
    assert not await store.ledger.commit([batch])
    return account_id


def ids(rows: Sequence[object]) -> list[int]:
    return [row.id for row in rows]  # type: ignore[attr-defined]


async def test_open_lists_contain_the_newest_rows_ascending(store: SqlStore) -> None:
    account_id = await create_history(store)
    window = HistoryQuery(account_ids=(account_id,))

    assert ids(await store.history.open_orders(window, 100)) == [2, 4, 6, 8, 10]
    assert ids(await store.history.open_orders(window, 2)) == [8, 10]
    assert ids(await store.history.open_positions(window, 2)) == [8, 10]
    filtered = replace(window, strategy_id=1, symbol="ETH/USDT")
    assert ids(await store.history.open_orders(filtered, 100)) == [10]
    allowed = replace(window, strategies=frozenset({0, 2}))
    assert ids(await store.history.open_positions(allowed, 100)) == [2, 6, 8]
    no_strategy = replace(window, strategies=frozenset())
    assert list(await store.history.open_orders(no_strategy, 100)) == []
    elsewhere = HistoryQuery(account_ids=(account_id + 1,))
    assert list(await store.history.open_orders(elsewhere, 100)) == []


async def test_numbered_pages_have_a_total_and_keyed_pages_do_not(store: SqlStore) -> None:
    account_id = await create_history(store)
    window = HistoryQuery(account_ids=(account_id,), page_size=4)

    first = await store.history.orders(window)
    third = await store.history.orders(replace(window, page=3))
    beyond = await store.history.orders(replace(window, page=4))
    uncounted = await store.history.orders(replace(window, with_total=False))

    assert (ids(first.items), first.total, first.next_after_id) == ([1, 2, 3, 4], 10, 4)
    assert (ids(third.items), third.total, third.next_after_id) == ([9, 10], 10, None)
    assert (ids(beyond.items), beyond.total) == ([], 10)
    assert (ids(uncounted.items), uncounted.total) == ([1, 2, 3, 4], None)


async def test_deals_of_one_type(store: SqlStore) -> None:
    account_id = await an_account(store)
    kinds = (DealType.TRADE, DealType.FUNDING, DealType.TRADE, DealType.FUNDING)
    batch = AccountBatch(
        lease=await a_lease(store, account_id),
        head_before=0,
        head_after=0,
        deals=[a_deal(n, account_id, type=kind) for n, kind in enumerate(kinds, 1)],
    )
    assert not await store.ledger.commit([batch])
    window = HistoryQuery(account_ids=(account_id,), deal_type=DealType.FUNDING.value)
    found = await store.history.deals(window)
    assert (ids(found.items), found.total) == ([2, 4], 2)


async def test_keyed_pages_visit_every_row_once_in_both_directions(store: SqlStore) -> None:
    account_id = await create_history(store)
    for descending in (False, True):
        window = HistoryQuery(
            account_ids=(account_id,), page_size=3, after_id=0, descending=descending
        )
        seen: list[int] = []
        while True:
            page = await store.history.deals(window)
            assert page.total is None
            seen += ids(page.items)
            if page.next_after_id is None:
                break
            window = replace(window, after_id=page.next_after_id)
        assert seen == sorted(range(1, 11), reverse=descending)


async def test_query_filters(store: SqlStore) -> None:
    account_id = await create_history(store)
    window = HistoryQuery(account_ids=(account_id,))

    async def orders(**bounds: object) -> list[int]:
        return ids((await store.history.orders(replace(window, **bounds))).items)  # type: ignore[arg-type]

    assert await orders(since=seconds_after(3), until=seconds_after(6)) == [3, 4, 5]
    assert await orders(status=frozenset({"CANCELED"})) == [1, 3, 5, 7, 9]
    assert await orders(status=frozenset({"EXPIRED"})) == [1, 3, 5, 7, 9]
    assert await orders(status=frozenset({"SUBMITTED", "FILLED"})) == [2, 4, 6, 8, 10]
    assert await orders(strategy_id=0) == [3, 6, 9]
    assert await orders(reconciled=False) == [1]
    assert await orders(symbol="ETH/USDT") == [6, 7, 8, 9, 10]
    deals = await store.history.deals(replace(window, since=seconds_after(8), position_id=9))
    assert ids(deals.items) == [9]
    assert ids((await store.history.deals(replace(window, order_id=4))).items) == [4]
    closed = await store.history.positions(replace(window, status=frozenset({"closed"})))
    assert ids(closed.items) == [1, 3, 5, 7, 9]


async def test_orders_by_group_and_what_is_linked_to_them(store: SqlStore) -> None:
    account_id, other_id = await an_account(store), await an_account(store)
    links = {
        (1, account_id): {},
        (2, account_id): {"parent_order_id": 1, "group_id": 9},
        (3, account_id): {"parent_order_id": 2},
        (4, other_id): {"group_id": 9},
        (5, other_id): {"group_id": 8},
    }
    for each in (account_id, other_id):
        orders = [
            an_order(n, owner, state=OPEN, **fields)
            for (n, owner), fields in links.items()
            if owner == each
        ]
        lease = await a_lease(store, each)
        batch = AccountBatch(lease=lease, head_before=0, head_after=0, orders_new=orders)
        assert not await store.ledger.commit([batch])
    reads, both = store.history, (account_id, other_id)
    assert ids(await reads.linked_orders([2], 10)) == [1, 2, 3, 4]
    assert ids(await reads.linked_orders([1, 5], 10)) == [2, 5]
    assert ids(await reads.linked_orders([], 10)) == []
    for accounts, group_id, expected in ((both, 9, [2, 4]), ((other_id,), 9, [4]), (both, 7, [])):
        page = await reads.orders(HistoryQuery(account_ids=accounts, group_id=group_id))
        assert (ids(page.items), page.total) == (expected, len(expected))
    assert [order.group_id for order in await reads.orders_by_id([1, 2])] == [None, 9]


async def test_command_history(store: SqlStore) -> None:
    account_id = await an_account(store)
    await enqueue(store, [a_command(n, account_id, at=n) for n in range(1, 6)])
    window = HistoryQuery(account_ids=(account_id,), page_size=2, descending=True)

    page = await store.history.commands(window)
    queued = await store.history.commands(
        replace(window, status=frozenset({"queued"}), since=seconds_after(2), page_size=10)
    )

    assert (ids(page.items), page.total, page.next_after_id) == ([5, 4], 5, 4)
    assert ids(queued.items) == [5, 4, 3, 2]


async def test_rows_by_id_are_ascending(store: SqlStore) -> None:
    account_id = await create_history(store)

    assert ids(await store.history.orders_by_id([9, 1, 99, 4])) == [1, 4, 9]
    assert ids(await store.history.positions_by_id([2, 1])) == [1, 2]
    assert ids(await store.history.deals_by_id([3])) == [3]
    assert ids(await store.history.deals_by_order([5, 2])) == [2, 5]
    assert list(await store.history.orders_by_id([])) == []
    assert await store.history.account_of("order", [1, 99]) == {1: (account_id, 1)}
    assert await store.history.account_of("position", [3]) == {3: (account_id, 0)}
    assert await store.history.account_of("order", []) == {}


async def test_snapshot_contains_open_rows_and_the_event_number(store: SqlStore) -> None:
    account_id = await create_history(store)

    snapshot = await store.history.snapshot(account_id, 3)

    assert (snapshot.account_id, snapshot.seq) == (account_id, 10)
    assert ids(snapshot.orders) == ids(snapshot.positions) == [6, 8, 10]
    nothing = await store.history.snapshot(account_id + 1, 3)
    assert (nothing.seq, list(nothing.orders)) == (0, [])


async def test_snapshot_is_consistent(another: Opener) -> None:
    """A writer adds one open order and one position per event number while a reader reads.

    It writes until the reader has read while it wrote; how often that is depends on the machine.
    """
    writer, reader = await another(), await another()
    account_id = await an_account(writer)
    lease = await a_lease(writer, account_id)
    seen = set[int]()

    async def write() -> None:
        for n in range(1, 1000):
            if n > 60 and len(seen) > 3:
                return
            batch = AccountBatch(
                lease=lease,
                head_before=n - 1,
                head_after=n,
                orders_new=(an_order(n, account_id, state=OPEN),),
                positions_new=(a_position(n, account_id),),
                events=(an_event(n, account_id, n),),
            )
            assert not await writer.ledger.commit([batch])

    writing = asyncio.create_task(write())
    while not writing.done():
        snapshot = await reader.history.snapshot(account_id, 1000)
        assert len(snapshot.orders) == len(snapshot.positions) == snapshot.seq
        seen.add(snapshot.seq)
    await writing
    assert len(seen) > 3


async def test_deals_by_filters_of_their_orders(store: SqlStore) -> None:
    account_id = await create_history(store)
    window = HistoryQuery(account_ids=(account_id,), order_ids=(2, 3, 9, 77), page_size=2)
    assert ids((await store.history.orders(window)).items) == [2, 3]
    page = await store.history.deals_of_orders(replace(window, page=2))
    assert (ids(page.items), page.total, page.next_after_id) == ([9], 3, None)
    unreconciled = HistoryQuery(account_ids=(account_id,), reconciled=False)
    assert ids((await store.history.deals_of_orders(unreconciled)).items) == [1]
    # Orders are created at noon and changed later; deals are selected by the time of their order.
    at_noon = HistoryQuery(account_ids=(account_id,), since=NOON, until=seconds_after(1))
    assert ids((await store.history.orders(at_noon)).items) == []
    made_at_noon = replace(at_noon, by_creation=True)
    assert ids((await store.history.orders(made_at_noon)).items) == list(range(1, 11))
    assert (await store.history.deals_of_orders(made_at_noon)).total == 10
    elsewhere = HistoryQuery(account_ids=(account_id + 1,), order_ids=(2,))
    assert (await store.history.deals_of_orders(elsewhere)).total == 0


async def test_events_after_a_number_are_ascending_per_account(store: SqlStore) -> None:
    first, second = await create_history(store), await an_account(store)
    lease = await a_lease(store, second)
    rows = (an_event(101, second, 1, 4), an_event(102, second, 5))
    batch = AccountBatch(lease=lease, head_before=0, head_after=5, events=rows)
    assert not await store.ledger.commit([batch])

    async def read(limit: int = 100, **after: int) -> list[tuple[int, int]]:
        numbers = {int(name[1:]): number for name, number in after.items()}
        found = await store.history.events(numbers, limit)
        return [(stored.row.account_id, stored.row.seq_to) for stored in found]

    one, two = f"a{first}", f"a{second}"
    assert await read(**{one: 8, two: 0}) == [(first, 9), (first, 10), (second, 4), (second, 5)]
    # A row is returned if any of its events is new.
    assert await read(**{two: 3}) == [(second, 4), (second, 5)]
    assert await read(**{two: 4}) == [(second, 5)]
    assert await read(limit=1, **{one: 0}) == [(first, 1)]
    assert await read(**{one: 10}) == []
    assert list(await store.history.events({}, 10)) == []
    assert await store.history.oldest([first, second, 999]) == {first: 1, second: 1}
    (stored,) = await store.history.events({second: 4}, 1)
    assert stored.row == rows[1] and stored.created_at > NOON


async def test_pages_of_several_accounts_are_merged_by_id(store: SqlStore) -> None:
    """Three accounts with every third order each, one of them inactive, and one without orders."""
    ids_ = [await an_account(store, f"a{number}") for number in range(3)]
    for index, account_id in enumerate(ids_):
        numbers = range(index + 1, 10 if index == 0 else 31, 3)
        batch = AccountBatch(
            lease=await a_lease(store, account_id),
            head_before=0,
            head_after=0,
            orders_new=[an_order(n, account_id) for n in numbers],
        )
        assert not await store.ledger.commit([batch])
    all_of_them = sorted({*range(1, 10, 3), *range(2, 31, 3), *range(3, 31, 3)})
    window = HistoryQuery(account_ids=(*ids_, ids_[0], 999), page_size=4, after_id=0)
    for descending in (False, True):
        seen: list[int] = []
        after: int | None = 0
        while after is not None:
            asked = replace(window, after_id=after, descending=descending)
            page = await store.history.orders(asked)
            seen += ids(page.items)
            after = page.next_after_id
        assert seen == sorted(all_of_them, reverse=descending)
    numbered = replace(window, after_id=None, page=1)
    first = await store.history.orders(numbered)
    third = await store.history.orders(replace(numbered, page=3))
    assert (ids(first.items), first.total) == (all_of_them[:4], len(all_of_them))
    assert ids(third.items) == all_of_them[8:12]
