"""Connection cache: reuse without a pool checkout, one connection left to the pool."""

import asyncio
from collections import deque
from typing import Any

import pytest
from sqlalchemy.util import await_only

from oms.adapters.sql.connection.connection_cache import ConnectionCache
from oms.adapters.sql.connection.errors import ConnectionLost, DuplicateKey
from oms.domain.errors import Unavailable


class Connection:
    """Records how it is released."""

    def __init__(self, pool: "Pool") -> None:
        self.pool = pool
        self.broken = False

    def close(self) -> None:
        self.pool.free.append(self)
        self.pool.released.set()

    def invalidate(self) -> None:
        self.broken = True
        self.pool.left += 1


class Pool:
    """Pool of a limited number of connections; further checkouts wait."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.checkouts = 0
        self.free: deque[Connection] = deque()
        self.released = asyncio.Event()
        self.disposed = False

    def raw_connection(self) -> Connection:
        self.checkouts += 1
        while not self.free and not self.left:
            self.released.clear()
            await_only(self.released.wait())
        if self.free:
            return self.free.pop()
        self.left -= 1
        return Connection(self)

    def dispose(self) -> None:
        self.disposed = True


def make_cache(pool: Any, cached_max: int = 2) -> ConnectionCache:
    return ConnectionCache(engine=pool, cached_max=cached_max, driver_errors=(OSError,))


async def test_healthy_connection_is_reused_without_a_checkout() -> None:
    pool = Pool(3)
    cache = make_cache(pool)
    async with cache.acquire() as first:
        pass
    with pytest.raises(DuplicateKey):
        async with cache.acquire() as second:
            raise DuplicateKey
    async with cache.acquire() as third:
        pass
    assert first is second is third
    assert pool.checkouts == 1


@pytest.mark.parametrize("failure", [OSError, ConnectionLost, asyncio.CancelledError])
async def test_broken_connection_is_not_reused(failure: type[BaseException]) -> None:
    pool = Pool(1)
    cache = make_cache(pool)
    with pytest.raises(failure):
        async with cache.acquire() as first:
            raise failure
    async with cache.acquire() as second:
        assert second is not first
    assert pool.checkouts == 2


async def test_one_connection_is_left_to_the_pool() -> None:
    pool = Pool(3)
    cache = make_cache(pool)
    async with cache.acquire(), cache.acquire(), cache.acquire():
        assert not pool.left
    assert len(pool.free) == 1


async def test_released_connection_goes_to_a_pending_checkout() -> None:
    pool = Pool(1)
    cache = make_cache(pool)

    async def use() -> None:
        async with cache.acquire():
            pass

    async with cache.acquire():
        waiting = asyncio.create_task(use())
        await asyncio.sleep(0)
        assert pool.checkouts == 2
    async with asyncio.timeout(5):
        await waiting


async def test_closed_cache_keeps_no_connection() -> None:
    pool = Pool(3)
    cache = make_cache(pool)
    async with cache.acquire():
        async with cache.acquire():
            pass
        await cache.close()
        assert pool.disposed
        assert len(pool.free) == 1
    assert len(pool.free) == 2


async def test_failed_checkout_is_unavailable() -> None:
    class Empty(Pool):
        def raw_connection(self) -> Connection:
            raise OSError

    with pytest.raises(Unavailable):
        async with make_cache(Empty(0)).acquire():
            raise AssertionError("there is no connection")


@pytest.mark.parametrize("failure", [RuntimeError, AttributeError, OSError])
async def test_connection_that_a_proxy_closes_is_unavailability(failure: type[Exception]) -> None:
    """asyncmy raises ``RuntimeError`` when a connection is closed while it is set up."""

    class Closing(Pool):
        def raw_connection(self) -> Connection:
            raise failure

    with pytest.raises(Unavailable):
        async with make_cache(Closing(1)).acquire():
            raise AssertionError("there is no connection")
