"""Deals name the signal of their order, its source or bot, and the group of the order."""

from typing import Any

from kit.databases.sql import execute, fetch_rows
from kit.databases.store_rows import a_deal, a_lease, an_account, an_order
from oms.adapters.sql.migrations.later_versions import (
    v0044_deal_sources,
    v0056_bots_and_groups_of_deals,
)
from oms.adapters.sql.store import SqlStore
from oms.ports.ledger_store import AccountBatch

SIGNAL_OF_A_BOT = """
INSERT INTO signals (id, source_id, payload_hash, group_signal_id, kind, account_id, strategy_id,
                     symbol, action, raw_json, received_at, status, duplicate_count, bot_id)
VALUES (7, 0, '', 7, 'strategy', 1, 0, 'BTC/USDT', 'buy', '{}', '2026-01-01',
        'done', 0, 9)
"""


async def test_deals_from_before_are_filled_from_their_orders(store: SqlStore, place: Any) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    orders = (an_order(1, account_id, signal_id=7, source_id=8), an_order(2, account_id))
    deals = tuple(
        a_deal(number, account_id, order_id=number, signal_id=order.signal_id, source_id=None)
        for number, order in enumerate(orders, 1)
    )
    batch = AccountBatch(lease=lease, head_before=0, head_after=0, orders_new=orders, deals=deals)
    assert not await store.ledger.commit([batch])

    execute(place.url, v0044_deal_sources.FILL)

    rows = fetch_rows(place.url, "SELECT id, signal_id, source_id FROM oms_deals ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, 7, 8), (2, None, None)]
    first, _ = await store.history.deals_by_id([1, 2])
    assert (first.signal_id, first.source_id) == (7, 8)


async def test_bots_and_groups_of_before_are_filled_in(store: SqlStore, place: Any) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    orders = (
        an_order(1, account_id, signal_id=7),
        an_order(2, account_id, group_id=2),
        an_order(3, account_id),
    )
    deals = tuple(
        a_deal(order.id, account_id, order_id=order.id, signal_id=order.signal_id)
        for order in orders
    )
    batch = AccountBatch(lease=lease, head_before=0, head_after=0, orders_new=orders, deals=deals)
    assert not await store.ledger.commit([batch])
    execute(place.url, SIGNAL_OF_A_BOT)

    for statement in v0056_bots_and_groups_of_deals.FILL:
        execute(place.url, statement)

    rows = fetch_rows(place.url, "SELECT id, bot_id, group_id FROM oms_deals ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, 9, None), (2, None, 2), (3, None, None)]
    first, second, _ = await store.history.deals_by_id([1, 2, 3])
    assert (first.bot_id, second.group_id) == (9, 2)
    order, *_ = await store.history.orders_by_id([1])
    assert order.bot_id == 9
