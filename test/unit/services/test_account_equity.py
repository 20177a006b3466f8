"""Equity of accounts for limits: read together, at most twice a second, while it is asked for."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from kit.builders import NOON
from oms.services.performance.account_equity import ACCOUNTS_PER_READ, ReadAccountEquity


class _Stores:
    """Accounts that earn 1 with each read, and the reads."""

    def __init__(self) -> None:
        self.now = 0.0
        self.valued: list[Sequence[int]] = []
        self.starts: list[int] = []
        self.dealt: list[Sequence[int]] = []
        #: Reads that begin while it is not set end once it is.
        self.released = asyncio.Event()
        self.released.set()
        self.began = asyncio.Event()

    async def value(self, account_ids: Sequence[int]) -> Mapping[int, Any]:
        self.valued.append(tuple(account_ids))
        profit, released = Decimal(len(self.valued)), self.released
        self.began.set()
        await released.wait()
        figures = SimpleNamespace(equity=100 + profit, currency="USDT", total_pnl=profit)
        return {
            key: SimpleNamespace(account=SimpleNamespace(id=key), value=figures, is_outdated=False)
            for key in account_ids
        }

    async def latest_in(self, account_id: int, currency: str, until: datetime) -> None:
        self.starts.append(account_id)

    async def deals(self, query: Any) -> Any:
        self.dealt.append(tuple(query.account_ids))
        return SimpleNamespace(items=())

    def reader(self) -> ReadAccountEquity:
        return ReadAccountEquity(
            value_accounts=cast(Any, self.value),
            snapshots=cast(Any, self),
            history=cast(Any, self),
            monotonic=lambda: self.now,
        )


async def test_accounts_that_asked_are_read_together() -> None:
    stores = _Stores()
    read = stores.reader()
    for account_id in (1, 2, 3):
        await read(account_id, NOON)
    assert stores.valued == [(1,), (2,), (3,)]
    stores.now = 0.9
    first = await read(1, NOON)
    assert (first.equity, first.day_result, first.at_day_start) == (101, 1, 100)
    stores.now = 1.1
    assert (await read(1, NOON)).equity == 104
    assert (await read(2, NOON)).equity == (await read(3, NOON)).equity == 104
    assert stores.valued[3:] == [(1, 2, 3)]
    stores.now = 2.3
    await read(2, NOON)
    stores.now = 3.5
    await read(2, NOON)
    assert stores.valued[4:] == [(1, 2, 3), (2,)], "who does not ask is not read"


async def test_accounts_of_a_round_are_read_in_one_read() -> None:
    stores = _Stores()
    read = stores.reader()
    await read(1, NOON)
    stores.now = 0.4
    await read.read_ahead({1: "UTC", 2: "UTC", 3: "Asia/Tokyo"}, NOON)
    assert stores.valued == [(1,), (2, 3)], "account 1 is current"
    for account_id, zone in ((1, "UTC"), (2, "UTC"), (3, "Asia/Tokyo")):
        await read(account_id, NOON, zone)
    await read.read_ahead({2: "UTC"}, NOON)
    assert len(stores.valued) == 2
    stores.now = 2.0
    await read.read_ahead({2: "UTC"}, NOON)
    assert stores.valued[2:] == [(1, 2, 3)], "with those that asked since they were read"


async def test_accounts_that_are_asked_for_are_read_again_before_they_are_too_old() -> None:
    stores = _Stores()
    read = stores.reader()
    for account_id in (1, 2):
        await read(account_id, NOON)
    stores.now = 0.4
    await read.refresh(NOON)
    assert stores.valued == [(1,), (2,)], "both are young"
    stores.now = 0.6
    await read(1, NOON)
    await read.refresh(NOON)
    assert stores.valued[2:] == [(1, 2)], "in one read"
    stores.now = 1.5
    assert (await read(1, NOON)).equity == 103, "not too old: no read of its own"
    await read.refresh(NOON)
    assert stores.valued[3:] == [(1,)], "account 2 was not asked for since"
    stores.now = 10
    await read.refresh(NOON)
    assert len(stores.valued) == 4, "no account was asked for since"


async def test_more_accounts_than_one_read_takes_are_refreshed_in_several() -> None:
    stores = _Stores()
    read = stores.reader()
    accounts = range(1, 2 * ACCOUNTS_PER_READ + 2)
    for account_id in accounts:
        await read(account_id, NOON)
    stores.now, stores.valued = 0.6, []
    await read.refresh(NOON)
    assert sorted(each for some in stores.valued for each in some) == [*accounts]
    assert [len(some) for some in stores.valued] == [ACCOUNTS_PER_READ, ACCOUNTS_PER_READ, 1]


async def test_a_read_that_ends_late_does_not_replace_a_newer_one() -> None:
    stores = _Stores()
    read = stores.reader()
    await read(1, NOON)
    held = stores.released = asyncio.Event()
    stores.now = 0.6
    stores.began.clear()
    late = asyncio.ensure_future(read.refresh(NOON))
    await stores.began.wait()
    stores.released, stores.now = asyncio.Event(), 1.1
    stores.released.set()
    newest = await read(1, NOON)
    held.set()
    await late
    assert await read(1, NOON) is newest


async def test_the_beginning_of_a_day_is_read_once_it_cannot_change() -> None:
    stores = _Stores()
    read, midnight = stores.reader(), NOON.replace(hour=0)
    for second, expected in ((1, 1), (5, 2), (61, 3), (62, 3)):
        stores.now += 2
        found = await read(1, midnight + timedelta(seconds=second))
        assert (found.day_start, len(stores.starts)) == (midnight, expected)
    stores.now += 2
    tomorrow = midnight + timedelta(days=1)
    assert (await read(1, tomorrow)).day_start == tomorrow
    assert len(stores.starts) == 4
