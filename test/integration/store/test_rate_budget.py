"""Request budgets on every database: never more tokens than the budget."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kit.databases.sql import execute, fetch_rows
from oms.adapters.sql.store import SqlStore
from oms.ports.rate_budget import TokenGrant

Opener = Callable[[], Awaitable[SqlStore]]
SCOPE = "bybit.live address"


async def test_no_second_grants_more_tokens_than_its_budget(another: Opener, place: object) -> None:
    stores = [await another() for _ in range(3)]

    async def take(store: SqlStore) -> list[TokenGrant]:
        return [await store.rate_budget.take(SCOPE, 3.5, 10) for _ in range(5)]

    all_grants = [each for grants in await asyncio.gather(*map(take, stores)) for each in grants]
    url: str = place.url  # type: ignore[attr-defined]
    used = [row[0] for row in fetch_rows(url, "SELECT used FROM rate_chunks ORDER BY second")]
    assert used and all(0 < each <= 10_000 for each in used)
    assert sum(each.tokens for each in all_grants) == pytest.approx(sum(used) / 1000)
    assert all(each.tokens <= 3.5 and 0 <= each.seconds <= 1 for each in all_grants)
    assert all(each.paused == 0 for each in all_grants)


async def test_pause_grants_no_tokens_until_it_ends(another: Opener) -> None:
    here, there = await another(), await another()
    await here.rate_budget.pause(SCOPE, 0.2)
    refused = await there.rate_budget.take(SCOPE, 1, 10)
    assert refused.tokens == 0
    assert 0 < refused.paused <= 1.2
    assert (await there.rate_budget.take("another scope", 1, 10)).tokens == 1
    await asyncio.sleep(refused.paused)
    assert (await there.rate_budget.take(SCOPE, 1, 10)).tokens == 1


async def test_later_end_of_two_pauses_wins(store: SqlStore) -> None:
    await store.rate_budget.pause(SCOPE, 120)
    await store.rate_budget.pause(SCOPE, 1)
    assert 119 <= (await store.rate_budget.take(SCOPE, 1, 10)).paused <= 121


async def test_old_seconds_are_deleted(store: SqlStore, place: object) -> None:
    url: str = place.url  # type: ignore[attr-defined]
    execute(url, f"INSERT INTO rate_chunks (scope, second, used) VALUES ('{SCOPE}', 5, 1)")
    await store.rate_budget.take(SCOPE, 1, 10)
    assert len(fetch_rows(url, "SELECT second FROM rate_chunks")) == 1
