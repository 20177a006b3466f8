"""Reads the event streams of all subscribed accounts of a process and delivers them to listeners.

One loop per process, woken by notifications and at least once a second. Each stored row is decoded
once and each event encoded once, for all listeners. The sequence numbers of an account are
delivered without holes; events that are not stored any more are delivered as a gap. Listeners
filter by permission.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from oms.domain.errors import Unavailable
from oms.ports.history_reads import HistoryReads, StoredEventRow
from oms.wire.json import NotJson, dumps_fast, time_text
from oms.wire.responses.events import DecodedEvent, decode_complete_row

POLL_FALLBACK_SECONDS = 1.0
ROWS_READ_MAX = 500
EVENTS_CACHED_MAX = 256
"""Per account: listeners that join within this many events catch up from memory."""

EVENTS_PER_YIELD_MAX = 200
"""After this many events other tasks run, so that a burst does not look like a slow consumer."""

RETRY_SECONDS = (0.1, 0.25, 0.5, 1.0)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One event; ``text`` is its frame without ``prev_seq`` and the last brace."""

    account_id: int
    seq: int
    namespace: str
    event: str
    strategy_id: int
    #: Account of the payload: in the stream of account 0 another one, or 0.
    subject_account_id: int
    #: User of the payload, or 0.
    subject_user_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers ``first..last`` of an account are not available.

    ``reason`` is ``retention`` (deleted), ``ahead`` (the database was restored) or ``damaged`` (the
    stored row cannot be decoded).
    """

    account_id: int
    first: int
    last: int
    reason: str


class EventListener(Protocol):
    """Receives the events of accounts. Neither method may raise or block."""

    def on_events(self, account_id: int, events: Sequence[FeedEvent]) -> None:
        """Take events with consecutive numbers; some may have been delivered before."""
        ...

    def on_gap(self, gap: Gap) -> None:
        """Take a gap; the next events follow it."""
        ...


@dataclass(slots=True, eq=False)
class _Stream:
    """One account with listeners, delivered up to ``seq``."""

    account_id: int
    seq: int
    listeners: list[EventListener] = field(default_factory=list)
    recent: deque[FeedEvent] = field(default_factory=lambda: deque(maxlen=EVENTS_CACHED_MAX))

    def deliver(self, events: Sequence[FeedEvent]) -> None:
        self.seq = events[-1].seq
        self.recent.extend(events)
        for listener in tuple(self.listeners):
            listener.on_events(self.account_id, events)

    def deliver_gap(self, gap: Gap, seq: int) -> None:
        self.seq = seq
        self.recent.clear()
        for listener in tuple(self.listeners):
            listener.on_gap(gap)


@dataclass(slots=True, kw_only=True)
class EventFeed:
    """Delivers streams while ``run`` is running."""

    history: HistoryReads
    #: Returns at the next notification of results, or after the given seconds.
    wait_notified: Callable[[float], Awaitable[object]]
    poll_seconds: float = POLL_FALLBACK_SECONDS
    _streams: dict[int, _Stream] = field(default_factory=dict)
    _wake_up: asyncio.Event = field(default_factory=asyncio.Event)
    #: Set when the first stream is added.
    _has_streams: asyncio.Event = field(default_factory=asyncio.Event)
    #: Loop time since which stored events are undelivered.
    _behind_since: float | None = None

    def lag_seconds(self) -> float:
        """Return for how many seconds stored events have been undelivered."""
        since = self._behind_since
        return 0.0 if since is None else asyncio.get_running_loop().time() - since

    def join(
        self, account_id: int, listener: EventListener, after: int
    ) -> Sequence[FeedEvent] | None:
        """Add a listener; return the events after ``after`` that were delivered already.

        ``None``: not added, the feed is ahead and has not cached these; ``read`` them first.
        """
        stream = self._streams.get(account_id)
        if stream is None:
            stream = self._streams[account_id] = _Stream(account_id, after)
            self._has_streams.set()  # first, to wait for notifications before the first read
            self._wake_up.set()
        missed: Sequence[FeedEvent] = ()
        if stream.seq > after:
            if not stream.recent or stream.recent[0].seq > after + 1:
                return None
            missed = [event for event in stream.recent if event.seq > after]
        if listener not in stream.listeners:
            stream.listeners.append(listener)
        return missed

    def leave(self, account_id: int, listener: EventListener) -> None:
        """Remove a listener; a stream without listeners is not read any more."""
        stream = self._streams.get(account_id)
        if stream is None or listener not in stream.listeners:
            return
        stream.listeners.remove(listener)
        if not stream.listeners:
            del self._streams[account_id]

    def position(self, account_id: int) -> int | None:
        """Return the last delivered number of an account, ``None`` if it has no listeners."""
        stream = self._streams.get(account_id)
        return None if stream is None else stream.seq

    async def read(self, account_id: int, after: int) -> Sequence[FeedEvent] | Gap:
        """Return the next events after a number from the database, or the gap that follows it.

        Events end before a row that cannot be decoded. Raises ``Unavailable``.
        """
        rows = await self.history.events({account_id: after}, ROWS_READ_MAX)
        events: list[FeedEvent] = []
        for stored in rows:
            found = decode_events(stored, after)
            if isinstance(found, Gap):
                return events or found
            events += found
        return events

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="feed-listen")
            tasks.create_task(self._deliver_loop(), name="feed-deliver")

    async def _listen(self) -> None:
        while True:
            if not self._streams:
                self._has_streams.clear()
                await self._has_streams.wait()
            await self.wait_notified(self.poll_seconds)
            self._wake_up.set()

    async def _deliver_loop(self) -> None:
        failures = 0
        while True:
            await self._wake_up.wait()
            self._wake_up.clear()
            if not self._streams:
                continue
            try:
                await self._deliver_committed()
                failures = 0
            except Unavailable as error:
                logger.warning("events_read_failed", extra={"reason": error.message})
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
                self._wake_up.set()

    async def _deliver_committed(self) -> None:
        """Deliver all events committed before the call."""
        delivered = {stream: stream.seq for stream in self._streams.values()}
        heads = await self.history.heads([stream.account_id for stream in delivered])
        behind: dict[int, int] = {}
        for stream, seq in delivered.items():
            head = heads.get(stream.account_id, 0)
            if head > seq:
                behind[stream.account_id] = head
            elif head < seq and self._has_listeners(stream):
                self._deliver_regression(stream, head)
        if behind and self._behind_since is None:
            self._behind_since = asyncio.get_running_loop().time()
        while behind:
            behind = await self._deliver_batch(behind)
        self._behind_since = None

    async def _deliver_batch(self, behind: dict[int, int]) -> dict[int, int]:
        """Deliver one read; return the heads of the accounts that are still behind theirs."""
        streams = [self._streams[number] for number in behind if number in self._streams]
        if not streams:
            return {}
        before = {stream: stream.seq for stream in streams}
        after = {stream.account_id: stream.seq for stream in streams}
        rows = await self.history.events(after, ROWS_READ_MAX)
        await self._deliver(rows, before)
        if all(stream.seq == seq for stream, seq in before.items()):
            in_rows = {stored.row.account_id for stored in rows}
            # Accounts without a row because the read was full are read again.
            unread = {s.account_id for s in streams} - in_rows if in_rows else set()
            remaining = await self._deliver_gaps(
                [s for s in streams if s.account_id not in unread], behind
            )
            return remaining | {account_id: behind[account_id] for account_id in unread}
        return {s.account_id: behind[s.account_id] for s in streams if s.seq < behind[s.account_id]}

    async def _deliver(self, rows: Sequence[StoredEventRow], streams: Collection[_Stream]) -> None:
        """Deliver the rows that follow the delivered numbers; the rest waits for the next read."""
        count = 0
        for stored in rows:
            stream = self._streams.get(stored.row.account_id)
            if stream is None or stream not in streams:
                continue
            if not stored.row.seq <= stream.seq + 1 <= stored.row.seq_to:
                continue
            found = decode_events(stored, stream.seq)
            if isinstance(found, Gap):
                stream.deliver_gap(found, found.last)
                continue
            stream.deliver(found)
            count += len(found)
            if count >= EVENTS_PER_YIELD_MAX:
                count = 0
                await asyncio.sleep(0)

    async def _deliver_gaps(
        self, streams: Sequence[_Stream], behind: dict[int, int]
    ) -> dict[int, int]:
        """Deliver gaps where no row follows: the events were deleted, otherwise it is a bug."""
        oldest = await self.history.oldest([stream.account_id for stream in streams])
        remaining: dict[int, int] = {}
        for stream in streams:
            head = behind[stream.account_id]
            last = oldest.get(stream.account_id, head + 1) - 1
            if last <= stream.seq:
                logger.error(
                    "events_missing", extra={"account_id": stream.account_id, "seq": stream.seq}
                )
                continue
            gap = Gap(stream.account_id, stream.seq + 1, last, "retention")
            stream.deliver_gap(gap, last)
            if last < head:
                remaining[stream.account_id] = head
        return remaining

    def _deliver_regression(self, stream: _Stream, head: int) -> None:
        """Deliver a gap: the database has less than was delivered, a backup was restored."""
        gap = Gap(stream.account_id, head + 1, stream.seq, "ahead")
        fields = {"account_id": stream.account_id, "seq": head}
        logger.warning("event_sequence_regressed", extra=fields)
        stream.deliver_gap(gap, head)

    def _has_listeners(self, stream: _Stream) -> bool:
        return self._streams.get(stream.account_id) is stream


def decode_events(stored: StoredEventRow, after: int) -> Sequence[FeedEvent] | Gap:
    """Return the events of a row with numbers above ``after``; a gap if it cannot be decoded."""
    ts = time_text(stored.created_at)
    try:
        return [_feed_event(event, ts) for event in decode_complete_row(stored.row, after)]
    except NotJson as error:
        row = stored.row
        fields = {"account_id": row.account_id, "seq": row.seq, "event_id": row.id}
        logger.error("event_row_damaged", extra={**fields, "reason": str(error)})
        return Gap(row.account_id, after + 1, row.seq_to, "damaged")


def _feed_event(event: DecodedEvent, ts: str) -> FeedEvent:
    frame = {
        "id": None,
        "ok": True,
        "type": "ws_event",
        "namespace": event.namespace,
        "action": "event",
        "event": event.event,
        "payload": event.payload,
        "event_id": event.event_id,
        "account_id": event.account_id,
        "seq": event.seq,
        "ts": ts,
    }
    subject_account_id = event.payload.get("account_id", 0)
    subject_user_id = event.payload.get("user_id", 0)
    return FeedEvent(
        account_id=event.account_id,
        seq=event.seq,
        namespace=event.namespace,
        event=event.event,
        strategy_id=event.strategy_id,
        subject_user_id=subject_user_id if isinstance(subject_user_id, int) else 0,
        subject_account_id=subject_account_id if isinstance(subject_account_id, int) else 0,
        text=dumps_fast(frame)[:-1],
    )
