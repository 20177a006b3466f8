"""Tokens of a second, on every database: never more than there are, whoever takes them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kit.databases.sql import execute, fetch_rows
from oms.adapters.sql.store import SqlStore
from oms.ports.rate_budget import TokenGrant

Opener = Callable[[], Awaitable[SqlStore]]
SCOPE = "bybit.live address"


async def test_no_second_gives_more_than_it_has(another: Opener, place: object) -> None:
    stores = [await another() for _ in range(3)]

    async def taken(store: SqlStore) -> list[TokenGrant]:
        return [await store.rate_budget.take(SCOPE, 3.5, 10) for _ in range(5)]

    chunks = [each for told in await asyncio.gather(*map(taken, stores)) for each in told]
    url: str = place.url  # type: ignore[attr-defined]
    used = [row[0] for row in fetch_rows(url, "SELECT used FROM rate_chunks ORDER BY second")]
    assert used and all(0 < each <= 10_000 for each in used)
    assert sum(each.tokens for each in chunks) == pytest.approx(sum(used) / 1000)
    assert all(each.tokens <= 3.5 and 0 <= each.seconds <= 1 for each in chunks)
    assert all(each.paused == 0 for each in chunks)


async def test_a_pause_gives_nothing_to_anybody_until_it_is_over(another: Opener) -> None:
    here, there = await another(), await another()
    await here.rate_budget.pause(SCOPE, 0.2)
    refused = await there.rate_budget.take(SCOPE, 1, 10)
    assert refused.tokens == 0
    assert 0 < refused.paused <= 1.2
    assert (await there.rate_budget.take("another scope", 1, 10)).tokens == 1
    await asyncio.sleep(refused.paused)
    assert (await there.rate_budget.take(SCOPE, 1, 10)).tokens == 1


async def test_of_two_pauses_the_later_end_counts(store: SqlStore) -> None:
    await store.rate_budget.pause(SCOPE, 120)
    await store.rate_budget.pause(SCOPE, 1)
    assert 119 <= (await store.rate_budget.take(SCOPE, 1, 10)).paused <= 121


async def test_old_seconds_are_forgotten(store: SqlStore, place: object) -> None:
    url: str = place.url  # type: ignore[attr-defined]
    execute(url, f"INSERT INTO rate_chunks (scope, second, used) VALUES ('{SCOPE}', 5, 1)")
    await store.rate_budget.take(SCOPE, 1, 10)
    assert len(fetch_rows(url, "SELECT second FROM rate_chunks")) == 1
