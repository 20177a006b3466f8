"""Leases: one owner per account, by the database clock."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from kit.databases.sql import fetch_number, fetch_rows, insert_credentials
from kit.databases.store_rows import an_account
from oms.adapters.sql.store import SqlStore
from oms.ports.leases import Lease
from oms.worker.leases import LeaseKeeper

Opener = Callable[[], Awaitable[SqlStore]]


async def test_free_account_is_leased_once(store: SqlStore) -> None:
    account_id = await an_account(store)

    first = await store.leases.acquire("w1", [account_id, 0], 60)
    second = await store.leases.acquire("w2", [account_id, 0], 60)
    again = await store.leases.acquire("w1", [account_id], 60)

    assert list(first) == [Lease(account_id=0, token=1), Lease(account_id=account_id, token=1)]
    assert (list(second), list(again)) == ([], [])
    assert list(await store.leases.free(10)) == []
    assert await store.leases.counts() == {"w1": 1}


async def test_expired_lease_is_taken_with_a_new_token(store: SqlStore, place: object) -> None:
    account_id = await an_account(store)
    (old,) = await store.leases.acquire("w1", [account_id], 0.05)

    await _becomes_free(store, account_id)
    (new,) = await store.leases.acquire("w2", [account_id], 60)

    assert new.token == old.token + 1
    url: str = place.url  # type: ignore[attr-defined]
    fence = f"SELECT lease_token FROM account_streams WHERE account_id = {account_id}"
    assert fetch_number(url, fence) == new.token
    assert await store.leases.renew("w1", [old], 60) == [account_id]
    assert list(await store.leases.renew("w2", [new], 60)) == []


async def test_renew_extends_leases_and_returns_lost_ones(store: SqlStore, place: object) -> None:
    ids = [await an_account(store) for _ in range(3)]
    leases = await store.leases.acquire("w1", ids, 60)
    await store.leases.release("w1", leases[1:2])
    await store.leases.acquire("w2", ids, 60)
    url: str = place.url  # type: ignore[attr-defined]
    until = f"SELECT expires_at FROM account_leases WHERE account_id = {ids[0]}"
    before = fetch_rows(url, until)

    lost = await store.leases.renew("w1", leases, 120)

    assert list(lost) == [ids[1]]
    assert fetch_rows(url, until) > before
    assert await store.leases.counts() == {"w1": 2, "w2": 1}
    assert list(await store.leases.renew("w1", [], 60)) == []


async def test_expired_lease_cannot_be_renewed(store: SqlStore) -> None:
    account_id = await an_account(store)
    leases = await store.leases.acquire("w1", [account_id], 0.02)

    await _becomes_free(store, account_id)

    assert await store.leases.renew("w1", leases, 60) == [account_id]
    assert account_id in await store.leases.free(10)


async def test_released_lease_is_free_immediately(store: SqlStore) -> None:
    account_id = await an_account(store)
    leases = await store.leases.acquire("w1", [account_id], 60)

    await store.leases.release("w2", leases)
    assert account_id not in await store.leases.free(10)
    await store.leases.release("w1", leases)

    assert list(await store.leases.free(10)) == [0, account_id]
    assert list(await store.leases.free(1)) == [0]


async def test_workers_never_hold_the_same_lease(another: Opener) -> None:
    stores = [await another() for _ in range(3)]
    ids = [await an_account(stores[0], f"a{n}") for n in range(20)]

    taken = await asyncio.gather(
        *(
            store.leases.acquire(f"w{n}", ids[n:] + ids[:n], 60)
            for n, store in enumerate(stores)
            for _ in range(3)
        )
    )

    held = [lease.account_id for leases in taken for lease in leases]
    assert sorted(held) == ids
    assert {lease.token for leases in taken for lease in leases} == {1}


async def test_workers_store_heartbeats(store: SqlStore) -> None:
    await store.leases.heartbeat("w1", "host", '{"accounts":1}')
    await store.leases.heartbeat("w2", "host", "{}")
    await store.leases.heartbeat("w1", "other", '{"accounts":2}')

    found = {row.worker_id: row for row in await store.leases.workers(30)}
    assert set(found) == {"w1", "w2"}
    assert (found["w1"].host, found["w1"].status) == ("other", '{"accounts":2}')
    assert 0 <= found["w1"].heartbeat_age_seconds < 30
    await store.leases.forget_worker("w1")
    assert [row.worker_id for row in await store.leases.workers(30)] == ["w2"]


async def _becomes_free(store: SqlStore, account_id: int) -> None:
    async with asyncio.timeout(5):
        while True:
            if account_id in await store.leases.free(10):
                return
            await asyncio.sleep(0.01)


async def test_successor_of_the_same_name_releases_the_old_leases(store: SqlStore) -> None:
    ids = [await an_account(store) for _ in range(3)]
    await store.leases.acquire("w1", ids[:2], 60)
    await store.leases.acquire("w2", ids[2:], 60)

    await store.leases.release_all("w1")

    assert list(await store.leases.free(10)) == [0, *ids[:2]]
    again = await store.leases.acquire("w1", ids, 60)
    assert [lease.token for lease in again] == [2, 2]


async def test_late_release_keeps_a_newer_lease(store: SqlStore) -> None:
    account_id = await an_account(store)
    old = await store.leases.acquire("w1", [account_id], 60)
    await store.leases.release("w1", old)
    await store.leases.acquire("w1", [account_id], 60)

    await store.leases.release("w1", old)

    assert account_id not in await store.leases.free(10)


async def test_accounts_with_one_key_follow_the_lead_account(
    store: SqlStore, place: object
) -> None:
    alone, lead, second, third = [await an_account(store) for _ in range(4)]
    url: str = place.url  # type: ignore[attr-defined]
    for account_id, key in ((alone, "k1"), (lead, "k2"), (second, "k2"), (third, "k2")):
        insert_credentials(url, account_id, key)
    leases = store.leases

    assert await leases.credential_followers() == {second: lead, third: lead}
    assert _ids(await leases.acquire("w2", [second, third], 60)) == []
    assert _ids(await leases.acquire("w1", [lead, second], 60)) == [lead, second]
    assert _ids(await leases.acquire("w2", [alone, third], 60)) == [alone]
    assert _ids(await leases.acquire("w1", [third], 60)) == [third]


async def test_ids_of_an_account_increase_when_it_moves_to_another_worker(
    another: Opener,
) -> None:
    mine, other = await another(), await another()
    account_id = await an_account(mine)
    my_keeper, other_keeper = (
        LeaseKeeper(owner=name, leases=store.leases, ids=store.ids, seconds=60)
        for name, store in (("w1", mine), ("w2", other))
    )
    await mine.ids.ensure("deal", 1)
    assert account_id in _ids(await other_keeper.round(1))
    await other.ids.ensure("deal", 1)
    before = other.ids("deal")
    await other_keeper.release_all()
    assert account_id in _ids(await my_keeper.round(1))
    await mine.ids.ensure("deal", 1)
    assert mine.ids("deal") > before


async def test_two_workers_never_hold_accounts_with_the_same_key(
    store: SqlStore, place: object
) -> None:
    ids = [await an_account(store) for _ in range(8)]
    url: str = place.url  # type: ignore[attr-defined]
    keepers = [
        LeaseKeeper(owner=name, leases=store.leases, ids=store.ids, seconds=60)
        for name in ("w1", "w2")
    ]
    for keeper in keepers:
        await keeper.round(2)
    # Two pairs and a three get keys of their own while they are held apart.
    groups = [ids[0:2], ids[2:4], ids[4:7]]
    for number_, group in enumerate(groups):
        for account_id in group:
            insert_credentials(url, account_id, f"key {number_}")
    for _ in range(4):
        for keeper in keepers:
            await keeper.round(2)

    held = [{*keeper.held} for keeper in keepers]
    assert held[0] | held[1] >= {*ids}
    for group in groups:
        assert [mine >= {*group} for mine in held].count(True) == 1, (group, held)
    assert min(len(mine) for mine in held) >= 3
    before = held
    await keepers[0].round(2)
    await keepers[1].round(2)
    assert [{*keeper.held} for keeper in keepers] == before

    await keepers[0].release_all()
    await keepers[1].round(1)
    assert {*keepers[1].held} >= {*ids}


def _ids(leases: Sequence[Lease]) -> list[int]:
    return [lease.account_id for lease in leases]
