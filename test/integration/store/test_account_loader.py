"""Loading a leased account: open rows, settings and the state of the paper exchange."""

from dataclasses import replace
from decimal import Decimal

from kit.databases.sql import execute
from kit.databases.store_rows import (
    a_command,
    a_fill,
    a_lease,
    a_position,
    an_account,
    an_order,
    enqueue,
    seconds_after,
)
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.position import PositionState
from oms.domain.orders.order import OrderState
from oms.ports.exchange import ExchangeStateRows, TradeRow
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch


def an_empty_batch(lease: Lease) -> AccountBatch:
    return AccountBatch(lease=lease, head_before=0, head_after=0)


async def test_only_open_rows_are_loaded(store: SqlStore) -> None:
    account_id, other = await an_account(store), await an_account(store)
    lease, foreign = await a_lease(store, account_id), await a_lease(store, other)
    open_order = an_order(2, account_id, state=OrderState.PARTIALLY_FILLED, closed_at=None)
    closed = a_position(2, account_id, qty=Decimal(0), state=PositionState.CLOSED)
    await enqueue(store, [a_command(1, account_id), a_command(3, other)])
    own_batch = replace(a_fill(lease, 1, 1), orders_new=(an_order(1, account_id), open_order))
    own_batch = replace(own_batch, positions_new=(*own_batch.positions_new, closed))

    assert not await store.ledger.commit([a_fill(foreign, 3, 1), own_batch])
    loaded = await store.ledger.load(lease)

    assert loaded.account.id == account_id and loaded.head_seq == 1
    assert list(loaded.orders) == [open_order]
    assert list(loaded.positions) == [a_position(1, account_id)]
    assert loaded.exchange_state == ExchangeStateRows()
    assert await store.ledger.accounts_with_open_orders([account_id, other]) == [account_id]
    assert list(await store.ledger.accounts_with_open_orders([])) == []


async def test_paper_exchange_state_is_committed_with_the_reports(store: SqlStore) -> None:
    account_id, other = await an_account(store), await an_account(store)
    lease, foreign = await a_lease(store, account_id), await a_lease(store, other)
    trades = [
        TradeRow(trade_id=f"t{n}", symbol="X", executed_at=seconds_after(n), trade="{}")
        for n in (1, 2)
    ]
    first = ExchangeStateRows(
        state='{"cash":"1"}',
        state_hash="h1",
        version=1,
        orders={"a": '{"n":1}', "b": '{"n":1}'},
        trades=trades[:1],
        prices={"X": '{"bid":"1"}'},
    )
    second = ExchangeStateRows(
        state='{"cash":"2"}',
        state_hash="h2",
        version=2,
        orders={"a": None, "c": '{"n":3}', "b": '{"n":2}'},
        trades=trades[1:],
    )

    for memory in (first, second):
        batch = replace(an_empty_batch(lease), exchange_state=memory)
        other_batch = replace(an_empty_batch(foreign), exchange_state=ExchangeStateRows())
        assert not await store.ledger.commit([batch, other_batch])

    loaded = await store.ledger.load(lease)
    assert loaded.exchange_state == ExchangeStateRows(
        state='{"cash":"2"}',
        state_hash="h2",
        version=2,
        orders={"b": '{"n":2}', "c": '{"n":3}'},
        trades=tuple(trades),
        prices={"X": '{"bid":"1"}'},
    )
    assert (await store.ledger.load(foreign)).exchange_state == ExchangeStateRows()


async def test_account_settings_are_loaded(store: SqlStore, place: object) -> None:
    config = (
        '{"oms":{"paper":{"source":"manual","sources":{"ETH/USDT":"walk"},"seed":5,'
        '"balances":{"BTC":"1.5"},"commission":{"maker":"0.0002","taker":0.0004},'
        '"fee_currency":"quote","allow_spot_short":true,"leverage":3}}}'
    )
    account_id = await an_account(store, extra_config=config)
    url: str = place.url  # type: ignore[attr-defined]
    execute(
        url,
        "INSERT INTO account_risk_state (account_id, allow_new_positions, created_at, updated_at)"
        f" VALUES ({account_id}, 0, '2026-01-01', '2026-01-01')",
        "INSERT INTO strategies (id, name, created_at) VALUES (1, 'a', '2026-01-01')",
        "INSERT INTO strategies (id, name, status, created_at)"
        " VALUES (2, 'b', 'disabled', '2026-01-01')",
        *(
            "INSERT INTO strategy_accounts (strategy_id, account_id, created_at)"
            f" VALUES ({strategy_id}, {account_id}, '2026-01-01')"
            for strategy_id in (1, 2)
        ),
    )

    loaded = await store.ledger.load(await a_lease(store, account_id))

    linked = await store.registry.linked_strategies([account_id, account_id + 1])
    assert linked == {account_id: loaded.strategy_ids} == {account_id: {1}}
    assert await store.registry.linked_strategies([]) == {}
    paper = loaded.account.paper
    assert (paper.source, paper.sources, paper.seed) == ("manual", {"ETH/USDT": "walk"}, 5)
    assert paper.balances == {"BTC": Decimal("1.5")}
    assert (paper.maker, paper.taker) == (Decimal("0.0002"), Decimal("0.0004"))
    assert (paper.base_fee_on_buy, paper.allow_spot_short, paper.leverage) == (False, True, 3)
    assert loaded.account.allow_new_positions is False
    assert loaded.strategy_ids == {1}
