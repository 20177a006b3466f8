"""Id blocks: unique across processes, assigned without waiting."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kit.databases.store_rows import NOON
from oms.adapters.sql.coordination.id_blocks import BLOCK_IDS_MIN
from oms.adapters.sql.store import SqlStore
from oms.domain.market.market_instrument import MarketInstrument
from oms.ports.audit_log import AuditContext

Opener = Callable[[], Awaitable[SqlStore]]


async def test_ids_start_small_and_ascend_within_a_process(store: SqlStore) -> None:
    await store.ids.ensure("order", 3)

    ids = [store.ids("order") for _ in range(3)]

    assert ids == list(range(ids[0], ids[0] + 3))
    assert 1 <= ids[0] < 10_000


async def test_processes_never_share_an_id(another: Opener) -> None:
    stores = [await another() for _ in range(3)]

    async def drawn(store: SqlStore) -> list[int]:
        ids = []
        for _ in range(200):
            await store.ids.ensure("deal", 2)
            ids += [store.ids("deal"), store.ids("deal")]
        return ids

    everything = [number for ids in await asyncio.gather(*map(drawn, stores)) for number in ids]

    assert len(set(everything)) == len(everything) == 1200


async def test_concurrent_tasks_may_ensure_before_they_use_ids(store: SqlStore) -> None:
    async def drawn() -> list[int]:
        await store.ids.ensure("event", 16)
        await asyncio.sleep(0)
        return [store.ids("event") for _ in range(16)]

    everything = [n for ids in await asyncio.gather(*(drawn() for _ in range(4))) for n in ids]

    assert len(set(everything)) == 64


async def test_run_of_ids_is_consecutive_despite_blocks_of_others(another: Opener) -> None:
    mine, other = await another(), await another()
    runs: list[int] = []
    for _ in range(30):
        await mine.ids.ensure("command", 70)
        first = mine.ids.reserve_range("command", 70)
        runs += range(first, first + 70)
        await other.ids.ensure("command", BLOCK_IDS_MIN)
        other.ids.reserve_range("command", BLOCK_IDS_MIN)

    assert len(set(runs)) == 30 * 70


async def test_renewed_ids_are_above_those_of_all_processes(another: Opener) -> None:
    mine, other = await another(), await another()
    await mine.ids.ensure("deal", 1)
    await other.ids.ensure("deal", 1)
    assert mine.ids("deal") < other.ids("deal"), "the blocks were allocated in this order"

    mine.ids.renew()
    last = other.ids("deal")
    await mine.ids.ensure("deal", 1)
    assert mine.ids("deal") > last
    assert mine.ids("deal") > last, "the new block is used up as any other"


async def test_what_other_tasks_have_ensured_is_there_after_a_renewal(store: SqlStore) -> None:
    await store.ids.ensure("deal", 300)
    store.ids.renew()
    await store.ids.ensure("deal", 1)
    first = store.ids.reserve_range("deal", 300)
    assert first > 300


async def test_ensure_zero_allocates_nothing(store: SqlStore) -> None:
    await store.ids.ensure("deal", 0)
    with pytest.raises(AssertionError, match="ensured"):
        store.ids("deal")


async def test_id_without_ensure_fails(store: SqlStore) -> None:
    await store.ids.ensure("key", 1)
    with pytest.raises(AssertionError, match="ensured"):
        for _ in range(100_000):
            store.ids("key")


@pytest.mark.parametrize("kind", ["users", "instruments"])
async def test_more_audited_changes_at_once_than_ids_are_in_a_block(
    store: SqlStore, kind: str
) -> None:
    count = 2 * BLOCK_IDS_MIN
    context = AuditContext(actor="test", at=NOON)
    changes: dict[str, Callable[[int], Awaitable[object]]] = {
        "users": lambda number: store.registry.create_user(
            name=f"user {number}", role="trader", now=NOON, audit=context.entry("make", "user", "")
        ),
        "instruments": lambda number: store.instruments.add(
            MarketInstrument(
                id=0, exchange="binance", symbol=f"X{number}/USDT", base=f"X{number}", quote="USDT"
            ),
            context,
        ),
    }
    before = len(await store.audit_log.unchained_rows(2 * count))
    await asyncio.gather(*(changes[kind](number) for number in range(count)))
    assert len(await store.audit_log.unchained_rows(2 * count)) == before + count
