"""Balances of accounts at exchanges: stored with a commit, read as the last wallet."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from kit.databases.store_rows import (
    a_command,
    a_deal,
    a_fill,
    a_lease,
    an_account,
    enqueue,
    seconds_after,
)
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.deal import DealType
from oms.domain.performance.balances import Balance, Balances
from oms.ports.exchange import ExchangeStateRows
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch

USDT = Balance(total=Decimal("1000.000000000000000001"), free=Decimal(900), used=None)
SOL = Balance(total=Decimal(-2), free=Decimal(0), used=Decimal(0))


def _batch(lease: Lease, head: int, second: float, **amounts: Balance) -> AccountBatch:
    rows = ExchangeStateRows(balances=Balances(amounts=amounts, as_of=seconds_after(second)))
    return AccountBatch(lease=lease, head_before=head, head_after=head, exchange_state=rows)


async def test_the_last_wallet_is_read_with_its_time(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    assert (await store.account_money([account_id]))[account_id].balances is None

    assert not await store.ledger.commit([_batch(lease, 0, 1, USDT=USDT, SOL=SOL)])
    stored = (await store.account_money([account_id]))[account_id]
    assert stored.balances == Balances(amounts={"USDT": USDT, "SOL": SOL}, as_of=seconds_after(1))
    assert stored.last_deal_at is None

    changed = replace(USDT, total=Decimal(7))
    assert not await store.ledger.commit([_batch(lease, 0, 2.5, USDT=changed)])
    stored = (await store.account_money([account_id]))[account_id]
    assert stored.balances == Balances(amounts={"USDT": changed}, as_of=seconds_after(2.5))
    assert (await store.ledger.load(lease)).exchange_state == ExchangeStateRows()


async def test_the_last_deal_is_known_of_accounts_with_a_wallet(store: SqlStore) -> None:
    account_id, other = await an_account(store), await an_account(store)
    lease, foreign = await a_lease(store, account_id), await a_lease(store, other)
    await enqueue(store, [a_command(1, account_id), a_command(2, other)])
    batches = [a_fill(lease, 1, 1), a_fill(foreign, 2, 1)]
    assert not await store.ledger.commit(sorted(batches, key=lambda each: each.lease.account_id))
    assert not await store.ledger.commit([_batch(lease, 1, 1, USDT=USDT)])
    stored = await store.account_money([account_id, other])
    (deal,) = batches[0].deals
    assert stored[account_id].last_deal_at == deal.created_at
    assert stored[other].last_deal_at is None
    balances = stored[account_id].balances
    assert balances is not None and balances.contain(deal.created_at - timedelta(days=1))


async def test_an_entry_of_the_ledger_alone_leaves_the_last_deal(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(number, account_id) for number in (1, 2)])
    assert not await store.ledger.commit([a_fill(lease, 1, 1)])
    entry = a_deal(2, account_id, type=DealType.CORRECTION, created_at=seconds_after(9))
    assert not await store.ledger.commit([replace(a_fill(lease, 2, 2), deals=(entry,))])
    assert not await store.ledger.commit([_batch(lease, 2, 1, USDT=USDT)])
    stored = (await store.account_money([account_id]))[account_id]
    assert stored.last_deal_at == seconds_after(0)


async def test_a_lost_lease_stores_no_balances(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    lost = replace(lease, token=lease.token - 1)
    assert await store.ledger.commit([_batch(lost, 0, 1, USDT=USDT)]) == {account_id}
    assert (await store.account_money([account_id]))[account_id].balances is None
