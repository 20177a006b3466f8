"""The feed against a store that misbehaves: every number once, gaps told, outages survived."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import cast

from kit.gateway.local_notifier import LocalNotifier
from kit.http.websocket_client import wait_for_condition
from oms.api.websocket.event_feed import ROWS_READ_MAX, EventFeed, FeedEvent, Gap
from oms.api.websocket.send_buffer import SendBuffer
from oms.domain.errors import Unavailable
from oms.ports.history_reads import HistoryReads, StoredEventRow
from oms.ports.ledger_store import EventRow
from oms.ports.notifier import Topic
from oms.wire.json import dumps_fast

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ACCOUNT = 4


class Shelf:
    """Stored rows, and how often they were asked for."""

    def __init__(self) -> None:
        self.rows: list[StoredEventRow] = []
        self.head = 0
        self.failures = 0

    def add(self, count: int) -> None:
        """One row with ``count`` events."""
        one = {"namespace": "position", "event": "x", "strategy_id": 0, "payload": {}}
        row = EventRow(
            id=self.head + 1,
            account_id=ACCOUNT,
            seq=self.head + 1,
            seq_to=self.head + count,
            strategy_id=0,
            namespace="batch" if count > 1 else "position",
            event_type="batch" if count > 1 else "x",
            payload=dumps_fast([one] * count if count > 1 else {}),
        )
        self.rows.append(StoredEventRow(row=row, created_at=NOON))
        self.head += count

    async def heads(self, account_ids: Sequence[int]) -> Mapping[int, int]:
        if self.failures:
            self.failures -= 1
            raise Unavailable("down")
        return dict.fromkeys(account_ids, self.head)

    async def oldest(self, account_ids: Sequence[int]) -> Mapping[int, int]:
        kept: dict[int, int] = {}
        for one in self.rows:
            if one.row.account_id in account_ids:
                kept.setdefault(one.row.account_id, one.row.seq)
        return kept

    async def events(self, after: Mapping[int, int], limit: int) -> Sequence[StoredEventRow]:
        behind = [one for one in self.rows if one.row.seq_to > after.get(one.row.account_id, 10**9)]
        return behind[:limit]


class Diary:
    """A listener who writes down everything."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.gaps: list[Gap] = []

    def on_events(self, account_id: int, events: Sequence[FeedEvent]) -> None:
        self.seqs += [event.seq for event in events]

    def on_gap(self, gap: Gap) -> None:
        self.gaps.append(gap)


@asynccontextmanager
async def running(shelf: Shelf) -> AsyncIterator[tuple[EventFeed, LocalNotifier]]:
    bell = LocalNotifier()
    feed = EventFeed(
        history=cast(HistoryReads, shelf),
        wait_notified=partial(bell.wait, Topic.RESULTS),
        poll_seconds=0.05,
    )
    task = asyncio.create_task(feed.run())
    try:
        yield feed, bell
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def reached(feed: EventFeed, seq: int) -> None:
    await wait_for_condition(lambda: feed.position(ACCOUNT) == seq)


async def test_numbers_follow_one_another_from_the_middle_of_a_row() -> None:
    shelf, diary = Shelf(), Diary()
    for count in (3, 1, 4):
        shelf.add(count)
    async with running(shelf) as (feed, bell):
        assert feed.join(ACCOUNT, diary, 2) == ()
        await reached(feed, 8)
        shelf.add(600)
        bell.notify(Topic.RESULTS)
        await reached(feed, 608)
    assert diary.seqs == list(range(3, 609))
    assert diary.gaps == []


async def test_an_outage_loses_nothing() -> None:
    shelf, diary = Shelf(), Diary()
    async with running(shelf) as (feed, _):
        feed.join(ACCOUNT, diary, 0)
        shelf.failures = 3
        shelf.add(2)
        shelf.add(2)
        await reached(feed, 4)
    assert diary.seqs == [1, 2, 3, 4]


async def test_what_was_forgotten_is_a_gap() -> None:
    shelf, diary = Shelf(), Diary()
    for _ in range(3):
        shelf.add(2)
    del shelf.rows[:2]
    async with running(shelf) as (feed, _):
        feed.join(ACCOUNT, diary, 1)
        await reached(feed, 6)
    assert diary.gaps == [Gap(ACCOUNT, 2, 4, "retention")]
    assert diary.seqs == [5, 6]


async def test_a_hole_among_kept_rows_is_never_skipped() -> None:
    shelf, diary = Shelf(), Diary()
    for _ in range(4):
        shelf.add(1)
    hidden = shelf.rows.pop(2)
    async with running(shelf) as (feed, _):
        feed.join(ACCOUNT, diary, 0)
        await reached(feed, 2)
        await asyncio.sleep(0.2)
        assert diary.seqs == [1, 2]
        shelf.rows.insert(2, hidden)
        await reached(feed, 4)
    assert diary.seqs == [1, 2, 3, 4]
    assert diary.gaps == []


async def test_a_restored_backup_is_told() -> None:
    shelf, diary = Shelf(), Diary()
    shelf.add(2)
    async with running(shelf) as (feed, _):
        feed.join(ACCOUNT, diary, 2)
        shelf.head = 1
        shelf.rows.clear()
        await reached(feed, 1)
    assert diary.gaps == [Gap(ACCOUNT, 2, 2, "ahead")]


async def test_who_comes_later_is_told_what_is_remembered_or_sent_to_read() -> None:
    shelf, first, second, third = Shelf(), Diary(), Diary(), Diary()
    for _ in range(300):
        shelf.add(1)
    async with running(shelf) as (feed, _):
        feed.join(ACCOUNT, first, 0)
        await reached(feed, 300)
        missed = feed.join(ACCOUNT, second, 290)
        assert missed is not None
        assert [event.seq for event in missed] == list(range(291, 301))
        assert feed.join(ACCOUNT, third, 10) is None
        assert [event.seq for event in await feed.read(ACCOUNT, 298)] == [299, 300]
        feed.leave(ACCOUNT, first)
        shelf.add(1)
        await reached(feed, 301)
        feed.leave(ACCOUNT, second)
        assert feed.position(ACCOUNT) is None
    assert second.seqs == [301]
    assert first.seqs[-1] == 300


async def test_a_hole_in_one_account_does_not_hold_up_another() -> None:
    shelf, holed, other = Shelf(), Diary(), Diary()
    for _ in range(ROWS_READ_MAX + 2):
        shelf.add(1)
    elsewhere = [
        StoredEventRow(row=replace(one.row, account_id=ACCOUNT + 1), created_at=NOON)
        for one in shelf.rows[:3]
    ]
    del shelf.rows[1]
    shelf.rows += elsewhere
    async with running(shelf) as (feed, _):
        feed.join(ACCOUNT, holed, 0)
        feed.join(ACCOUNT + 1, other, 0)
        await wait_for_condition(lambda: len(other.seqs) == 3)
    assert holed.seqs == [1]
    assert other.seqs == [1, 2, 3]


async def test_a_burst_does_not_make_a_good_listener_slow() -> None:
    shelf, sent = Shelf(), 0
    for _ in range(ROWS_READ_MAX):
        shelf.add(6)

    async def send(message: object) -> None:
        nonlocal sent
        sent += 1

    outbox = SendBuffer(send=send, frames_max=1000, bytes_max=2**20)
    writing = asyncio.create_task(outbox.run())

    class Reader(Diary):
        def on_events(self, account_id: int, events: Sequence[FeedEvent]) -> None:
            for event in events:
                outbox.put(event.text, account_id, event.seq)

    async with running(shelf) as (feed, _):
        feed.join(ACCOUNT, Reader(), 0)
        await wait_for_condition(lambda: sent == shelf.head or outbox.closing.is_set())
    assert not outbox.closing.is_set()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
