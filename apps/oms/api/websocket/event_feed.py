"""THE DOOR OUT's one reader: follows the event streams of all accounts that somebody listens to.

One loop a process, woken by the bell and looking by itself once a second. Each stored row is
decoded once and each event written as text once, however many listen. The numbers of an account
are handed on strictly one after the other; what is not there any more is told as a gap, never
skipped. Who may see an event is the listener's business.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from oms.domain.errors import Unavailable
from oms.ports.history_reads import HistoryReads, StoredEventRow
from oms.wire.json import dumps_fast, loads, time_text

POLL_FALLBACK_SECONDS = 1.0
ROWS_READ_MAX = 500
EVENTS_CACHED_MAX = 256
"""Per account: who was away for a moment catches up from memory."""

EVENTS_PER_YIELD_MAX = 200
"""Then the listeners' writers get a turn: a burst must not look like a slow listener."""

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
    #: The account its payload names: in the stream of account 0 another one, or 0.
    subject_account_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers ``first..last`` of an account will not come: ``retention`` or ``ahead``."""

    account_id: int
    first: int
    last: int
    reason: str


class EventListener(Protocol):
    """One who listens to accounts. Neither call may fail or wait."""

    def told(self, account_id: int, events: Sequence[FeedEvent]) -> None:
        """Events with consecutive numbers; some may be known already."""
        ...

    def on_gap(self, gap: Gap) -> None:
        """Numbers that will not come; what is told next follows them."""
        ...


@dataclass(slots=True, eq=False)
class _Stream:
    """One account somebody listens to, told up to ``seq``."""

    account_id: int
    seq: int
    listeners: list[EventListener] = field(default_factory=list)
    recent: deque[FeedEvent] = field(default_factory=lambda: deque(maxlen=EVENTS_CACHED_MAX))

    def tell(self, events: Sequence[FeedEvent]) -> None:
        self.seq = events[-1].seq
        self.recent.extend(events)
        for listener in tuple(self.listeners):
            listener.told(self.account_id, events)

    def tell_gap(self, gap: Gap, seq: int) -> None:
        self.seq = seq
        self.recent.clear()
        for listener in tuple(self.listeners):
            listener.on_gap(gap)


@dataclass(slots=True, kw_only=True)
class EventFeed:
    """Follows streams; ``run`` must be running."""

    history: HistoryReads
    #: Returns at the next ring about results, or after so many seconds.
    wait_notified: Callable[[float], Awaitable[object]]
    sweep_seconds: float = POLL_FALLBACK_SECONDS
    _streams: dict[int, _Stream] = field(default_factory=dict)
    _nudged: asyncio.Event = field(default_factory=asyncio.Event)
    #: Since when there is something to tell.
    _behind_since: float | None = None

    def lag_seconds(self) -> float:
        """For how long events are known to be stored and not told yet."""
        since = self._behind_since
        return 0.0 if since is None else asyncio.get_running_loop().time() - since

    def join(
        self, account_id: int, listener: EventListener, after: int
    ) -> Sequence[FeedEvent] | None:
        """Listen from now on; what came after ``after`` already is returned.

        ``None``: not joined, the feed is further and does not remember; ``read`` up to it first.
        """
        stream = self._streams.get(account_id)
        if stream is None:
            stream = self._streams[account_id] = _Stream(account_id, after)
            self._nudged.set()
        missed: Sequence[FeedEvent] = ()
        if stream.seq > after:
            if not stream.recent or stream.recent[0].seq > after + 1:
                return None
            missed = [event for event in stream.recent if event.seq > after]
        if listener not in stream.listeners:
            stream.listeners.append(listener)
        return missed

    def leave(self, account_id: int, listener: EventListener) -> None:
        """Listen no more; a stream nobody listens to is followed no more."""
        stream = self._streams.get(account_id)
        if stream is None or listener not in stream.listeners:
            return
        stream.listeners.remove(listener)
        if not stream.listeners:
            del self._streams[account_id]

    def position(self, account_id: int) -> int | None:
        """The last number told of an account that is followed."""
        stream = self._streams.get(account_id)
        return None if stream is None else stream.seq

    async def read(self, account_id: int, after: int) -> Sequence[FeedEvent]:
        """The next events after a number, from the database. Raises ``Unavailable``."""
        rows = await self.history.events({account_id: after}, ROWS_READ_MAX)
        return [event for stored in rows for event in decode_events(stored, after)]

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="feed-listen")
            tasks.create_task(self._follow(), name="feed-follow")

    async def _listen(self) -> None:
        while True:
            await self.wait_notified(self.sweep_seconds)
            self._nudged.set()

    async def _follow(self) -> None:
        failures = 0
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            if not self._streams:
                continue
            try:
                await self._round()
                failures = 0
            except Unavailable as lost:
                logger.warning("events_unread", extra={"reason": lost.message})
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
                self._nudged.set()

    async def _round(self) -> None:
        """Tell everything committed before this moment."""
        known = {stream: stream.seq for stream in self._streams.values()}
        heads = await self.history.heads([stream.account_id for stream in known])
        behind: dict[int, int] = {}
        for stream, seq in known.items():
            head = heads.get(stream.account_id, 0)
            if head > seq:
                behind[stream.account_id] = head
            elif head < seq and self._is_followed(stream):
                self._fell_back(stream, head)
        if behind and self._behind_since is None:
            self._behind_since = asyncio.get_running_loop().time()
        while behind:
            behind = await self._told_some(behind)
        self._behind_since = None

    async def _told_some(self, behind: dict[int, int]) -> dict[int, int]:
        """Tell one reading's worth; those that are still behind their head."""
        streams = [self._streams[number] for number in behind if number in self._streams]
        if not streams:
            return {}
        before = {stream: stream.seq for stream in streams}
        after = {stream.account_id: stream.seq for stream in streams}
        rows = await self.history.events(after, ROWS_READ_MAX)
        await self._tell(rows, before)
        if all(stream.seq == seq for stream, seq in before.items()):
            met = {stored.row.account_id for stored in rows}
            crowded_out = {s.account_id for s in streams} - met if met else set()
            left = await self._over_holes(
                [s for s in streams if s.account_id not in crowded_out], behind
            )
            return left | {account_id: behind[account_id] for account_id in crowded_out}
        return {s.account_id: behind[s.account_id] for s in streams if s.seq < behind[s.account_id]}

    async def _tell(self, rows: Sequence[StoredEventRow], told_of: Collection[_Stream]) -> None:
        """Tell what follows on the numbers told; the rest waits for the next reading."""
        count = 0
        for stored in rows:
            stream = self._streams.get(stored.row.account_id)
            if stream is None or stream not in told_of:
                continue
            if not stored.row.seq <= stream.seq + 1 <= stored.row.seq_to:
                continue
            events = list(decode_events(stored, stream.seq))
            stream.tell(events)
            count += len(events)
            if count >= EVENTS_PER_YIELD_MAX:
                count = 0
                await asyncio.sleep(0)

    async def _over_holes(
        self, streams: Sequence[_Stream], behind: dict[int, int]
    ) -> dict[int, int]:
        """Nothing followed on any number: what is missing was forgotten, or is a bug."""
        oldest = await self.history.oldest([stream.account_id for stream in streams])
        left: dict[int, int] = {}
        for stream in streams:
            head = behind[stream.account_id]
            last = oldest.get(stream.account_id, head + 1) - 1
            if last <= stream.seq:
                logger.error(
                    "events_missing", extra={"account_id": stream.account_id, "seq": stream.seq}
                )
                continue
            gap = Gap(stream.account_id, stream.seq + 1, last, "retention")
            stream.tell_gap(gap, last)
            if last < head:
                left[stream.account_id] = head
        return left

    def _fell_back(self, stream: _Stream, head: int) -> None:
        """The database knows less than was told: a backup was restored."""
        gap = Gap(stream.account_id, head + 1, stream.seq, "ahead")
        logger.warning("events_fell_back", extra={"account_id": stream.account_id, "seq": head})
        stream.tell_gap(gap, head)

    def _is_followed(self, stream: _Stream) -> bool:
        return self._streams.get(stream.account_id) is stream


def decode_events(stored: StoredEventRow, after: int) -> Iterator[FeedEvent]:
    """The events of a row with numbers past ``after``."""
    row = stored.row
    payload = loads(row.payload)
    events = payload if row.namespace == "batch" else [{"payload": payload}]
    ts = time_text(stored.created_at)
    for offset, event in enumerate(events):
        if row.seq + offset <= after:
            continue
        namespace: str = event.get("namespace", row.namespace)
        name: str = event.get("event", row.event_type)
        frame = {
            "id": None,
            "ok": True,
            "type": "ws_event",
            "namespace": namespace,
            "action": "event",
            "event": name,
            "payload": event["payload"],
            "event_id": row.id + offset,
            "account_id": row.account_id,
            "seq": row.seq + offset,
            "ts": ts,
        }
        subject_account_id = event["payload"].get("account_id", 0)
        yield FeedEvent(
            account_id=row.account_id,
            seq=row.seq + offset,
            namespace=namespace,
            event=name,
            strategy_id=event.get("strategy_id", row.strategy_id),
            subject_account_id=subject_account_id if isinstance(subject_account_id, int) else 0,
            text=dumps_fast(frame)[:-1],
        )
