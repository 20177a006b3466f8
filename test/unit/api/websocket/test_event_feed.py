"""The event feed on a faulty store: each number once, gaps delivered, outages survived."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import cast

import pytest

from kit.http.websocket_client import wait_for_condition
from oms.adapters.local_notifier import LocalNotifier
from oms.api.websocket.event_feed import ROWS_READ_MAX, EventFeed, FeedEvent, Gap
from oms.api.websocket.send_buffer import SendBuffer
from oms.domain.errors import Unavailable
from oms.ports.history_reads import HistoryReads, StoredEventRow
from oms.ports.ledger_store import EventRow
from oms.ports.notifier import Topic
from oms.wire.json import dumps_fast

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ACCOUNT = 4


class StubHistory:
    """Stored rows and a count of the reads."""

    def __init__(self) -> None:
        self.rows: list[StoredEventRow] = []
        self.head = 0
        self.failures = 0

    def add(self, count: int) -> None:
        """Add one row with ``count`` events."""
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

    def damage_last(self, payload: str) -> None:
        """Replace the payload of the last row."""
        last = self.rows[-1]
        self.rows[-1] = replace(last, row=replace(last.row, payload=payload))

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
    """A listener that records everything."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.gaps: list[Gap] = []

    def on_events(self, account_id: int, events: Sequence[FeedEvent]) -> None:
        self.seqs += [event.seq for event in events]

    def on_gap(self, gap: Gap) -> None:
        self.gaps.append(gap)


@asynccontextmanager
async def running(history: StubHistory) -> AsyncIterator[tuple[EventFeed, LocalNotifier]]:
    notifier = LocalNotifier()
    feed = EventFeed(
        history=cast(HistoryReads, history),
        wait_notified=partial(notifier.wait, Topic.RESULTS),
        poll_seconds=0.05,
    )
    task = asyncio.create_task(feed.run())
    try:
        yield feed, notifier
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def reached(feed: EventFeed, seq: int) -> None:
    await wait_for_condition(lambda: feed.position(ACCOUNT) == seq)


async def test_delivery_starts_in_the_middle_of_a_row() -> None:
    history, diary = StubHistory(), Diary()
    for count in (3, 1, 4):
        history.add(count)
    async with running(history) as (feed, notifier):
        assert feed.join(ACCOUNT, diary, 2) == ()
        await reached(feed, 8)
        history.add(600)
        notifier.notify(Topic.RESULTS)
        await reached(feed, 608)
    assert diary.seqs == list(range(3, 609))
    assert diary.gaps == []


async def test_outage_loses_no_events() -> None:
    history, diary = StubHistory(), Diary()
    async with running(history) as (feed, _):
        feed.join(ACCOUNT, diary, 0)
        history.failures = 3
        history.add(2)
        history.add(2)
        await reached(feed, 4)
    assert diary.seqs == [1, 2, 3, 4]


async def test_deleted_events_are_a_gap() -> None:
    history, diary = StubHistory(), Diary()
    for _ in range(3):
        history.add(2)
    del history.rows[:2]
    async with running(history) as (feed, _):
        feed.join(ACCOUNT, diary, 1)
        await reached(feed, 6)
    assert diary.gaps == [Gap(ACCOUNT, 2, 4, "retention")]
    assert diary.seqs == [5, 6]


async def test_hole_between_stored_rows_is_never_skipped() -> None:
    history, diary = StubHistory(), Diary()
    for _ in range(4):
        history.add(1)
    hidden = history.rows.pop(2)
    async with running(history) as (feed, _):
        feed.join(ACCOUNT, diary, 0)
        await reached(feed, 2)
        await asyncio.sleep(0.2)
        assert diary.seqs == [1, 2]
        history.rows.insert(2, hidden)
        await reached(feed, 4)
    assert diary.seqs == [1, 2, 3, 4]
    assert diary.gaps == []


async def test_restored_backup_is_a_gap() -> None:
    history, diary = StubHistory(), Diary()
    history.add(2)
    async with running(history) as (feed, _):
        feed.join(ACCOUNT, diary, 2)
        history.head = 1
        history.rows.clear()
        await reached(feed, 1)
    assert diary.gaps == [Gap(ACCOUNT, 2, 2, "ahead")]


async def test_late_listener_gets_cached_events_or_reads() -> None:
    history, first, second, third = StubHistory(), Diary(), Diary(), Diary()
    for _ in range(300):
        history.add(1)
    async with running(history) as (feed, _):
        feed.join(ACCOUNT, first, 0)
        await reached(feed, 300)
        missed = feed.join(ACCOUNT, second, 290)
        assert missed is not None
        assert [event.seq for event in missed] == list(range(291, 301))
        assert feed.join(ACCOUNT, third, 10) is None
        assert [event.seq for event in await feed.read(ACCOUNT, 298)] == [299, 300]
        feed.leave(ACCOUNT, first)
        history.add(1)
        await reached(feed, 301)
        feed.leave(ACCOUNT, second)
        assert feed.position(ACCOUNT) is None
    assert second.seqs == [301]
    assert first.seqs[-1] == 300


async def test_hole_in_one_account_does_not_delay_others() -> None:
    history, holed, other = StubHistory(), Diary(), Diary()
    for _ in range(ROWS_READ_MAX + 2):
        history.add(1)
    elsewhere = [
        StoredEventRow(row=replace(one.row, account_id=ACCOUNT + 1), created_at=NOON)
        for one in history.rows[:3]
    ]
    del history.rows[1]
    history.rows += elsewhere
    async with running(history) as (feed, _):
        feed.join(ACCOUNT, holed, 0)
        feed.join(ACCOUNT + 1, other, 0)
        await wait_for_condition(lambda: len(other.seqs) == 3)
    assert holed.seqs == [1]
    assert other.seqs == [1, 2, 3]


async def test_burst_does_not_overflow_a_fast_listener() -> None:
    history, sent = StubHistory(), 0
    for _ in range(ROWS_READ_MAX):
        history.add(6)

    async def send(message: object) -> None:
        nonlocal sent
        sent += 1

    outbox = SendBuffer(send=send, frames_max=1000, bytes_max=2**20)
    writing = asyncio.create_task(outbox.run())

    class Reader(Diary):
        def on_events(self, account_id: int, events: Sequence[FeedEvent]) -> None:
            for event in events:
                outbox.put(event.text, account_id, event.seq)

    async with running(history) as (feed, _):
        feed.join(ACCOUNT, Reader(), 0)
        await wait_for_condition(lambda: sent == history.head or outbox.closing.is_set())
    assert not outbox.closing.is_set()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)


@pytest.mark.parametrize("payload", ["[", "{}", "[{}]", "[1, 2, 3]", '[{"payload": {}}]'])
async def test_a_damaged_row_is_a_gap_and_the_stream_goes_on(payload: str) -> None:
    history, diary = StubHistory(), Diary()
    history.add(2)
    history.add(3)
    history.damage_last(payload)
    history.add(1)
    async with running(history) as (feed, _):
        assert feed.join(ACCOUNT, diary, 0) == ()
        await reached(feed, 6)
        assert await feed.read(ACCOUNT, 2) == Gap(ACCOUNT, 3, 5, "damaged")
        assert [event.seq for event in _events(await feed.read(ACCOUNT, 0))] == [1, 2]
    assert diary.seqs == [1, 2, 6] and diary.gaps == [Gap(ACCOUNT, 3, 5, "damaged")]


def _events(found: Sequence[FeedEvent] | Gap) -> Sequence[FeedEvent]:
    assert not isinstance(found, Gap)
    return found
