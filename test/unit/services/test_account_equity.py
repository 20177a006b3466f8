"""Equity of accounts for limits: read together, at most once a second, while it is asked for."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from kit.builders import NOON
from oms.services.performance.account_equity import ReadAccountEquity


class _Stores:
    """Accounts that earn 1 with each read, and the reads."""

    def __init__(self) -> None:
        self.now = 0.0
        self.valued: list[Sequence[int]] = []
        self.starts: list[int] = []
        self.dealt: list[Sequence[int]] = []

    async def value(self, account_ids: Sequence[int]) -> Mapping[int, Any]:
        self.valued.append(tuple(account_ids))
        profit = Decimal(len(self.valued))
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
