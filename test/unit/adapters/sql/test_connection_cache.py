"""Connections at hand: lent again without asking the pool, and never kept from who waits there."""

import asyncio
from collections import deque
from typing import Any

import pytest

from oms.adapters.sql.connection.connection_cache import ConnectionCache
from oms.adapters.sql.connection.errors import ConnectionLost, DuplicateKey
from oms.domain.errors import Unavailable


class Connection:
    """Notes how it comes back."""

    def __init__(self, pool: "Pool") -> None:
        self.pool = pool
        self.broken = False

    def close(self) -> None:
        self.pool.free.append(self)
        self.pool.came_back.set()

    def invalidate(self) -> None:
        self.broken = True
        self.pool.left += 1


class Pool:
    """What a lender asks for connections: it makes some and then lets wait."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.asked = 0
        self.free: deque[Connection] = deque()
        self.came_back = asyncio.Event()
        self.disposed = False

    async def raw_connection(self) -> Connection:
        self.asked += 1
        while not self.free and not self.left:
            self.came_back.clear()
            await self.came_back.wait()
        if self.free:
            return self.free.pop()
        self.left -= 1
        return Connection(self)

    async def dispose(self) -> None:
        self.disposed = True


def a_lender(pool: Any, cached_max: int = 2) -> ConnectionCache:
    return ConnectionCache(engine=pool, cached_max=cached_max, driver_errors=(OSError,))


async def test_what_came_back_whole_is_lent_again_without_asking() -> None:
    pool = Pool(3)
    lender = a_lender(pool)
    async with lender.acquire() as first:
        pass
    with pytest.raises(DuplicateKey):
        async with lender.acquire() as second:
            raise DuplicateKey
    async with lender.acquire() as third:
        pass
    assert first is second is third
    assert pool.asked == 1


@pytest.mark.parametrize("failure", [OSError, ConnectionLost, asyncio.CancelledError])
async def test_what_may_be_broken_is_not_lent_again(failure: type[BaseException]) -> None:
    pool = Pool(1)
    lender = a_lender(pool)
    with pytest.raises(failure):
        async with lender.acquire() as first:
            raise failure
    async with lender.acquire() as second:
        assert second is not first
    assert pool.asked == 2


async def test_no_more_is_kept_than_leaves_one_to_the_pool() -> None:
    pool = Pool(3)
    lender = a_lender(pool)
    async with lender.acquire(), lender.acquire(), lender.acquire():
        assert not pool.left
    assert len(pool.free) == 1


async def test_who_waits_at_the_pool_is_given_what_comes_back() -> None:
    pool = Pool(1)
    lender = a_lender(pool)

    async def use() -> None:
        async with lender.acquire():
            pass

    async with lender.acquire():
        waiting = asyncio.create_task(use())
        await asyncio.sleep(0)
        assert pool.asked == 2
    async with asyncio.timeout(5):
        await waiting


async def test_after_the_end_nothing_is_kept() -> None:
    pool = Pool(3)
    lender = a_lender(pool)
    async with lender.acquire():
        async with lender.acquire():
            pass
        await lender.close()
        assert pool.disposed
        assert len(pool.free) == 1
    assert len(pool.free) == 2


async def test_a_pool_that_has_none_is_told() -> None:
    class Empty(Pool):
        async def raw_connection(self) -> Connection:
            raise OSError

    with pytest.raises(Unavailable):
        async with a_lender(Empty(0)).acquire():
            raise AssertionError("nothing was there to lend")
