"""The event subscription of one socket: snapshot or replay, catch-up, live events, refreshes.

Each account has a cursor, the last processed sequence number. An account begins with a snapshot or
a replay, catches up from the database, and joins the feed at exactly its cursor, so no event is
lost or sent twice. Events that the listener may not see only advance the cursor.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from oms.api.websocket.account_snapshots import AccountSnapshot, SnapshotLoader
from oms.api.websocket.backtest_progress import BacktestProgressFeed
from oms.api.websocket.event_feed import EventFeed, FeedEvent, Gap
from oms.api.websocket.frames import push_frame
from oms.api.websocket.position_marks import MarkOf, PositionMarks
from oms.api.websocket.send_buffer import SendBuffer
from oms.api.websocket.subscribe_request import SubscribeRequest
from oms.domain.access import Permission, Principal, allowed_strategies, refuse_account
from oms.domain.errors import Unavailable
from oms.services.queries.event_reader import GATEWAY_STREAM, may_see_of_gateway

REFRESH_SECONDS = 1.0
RETRY_SECONDS = 0.5
MARKS_MAX = 1000
"""Maximum number of marks in a frame."""
_DEALS = frozenset({"deal_created", "deal_updated", "deal_deleted"})

logger = logging.getLogger(__name__)

Value = TypeVar("Value")
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


@dataclass(slots=True, eq=False)
class _StreamCursor:
    """State of one account: ``seq`` was processed, ``sent_seq`` was the last one sent."""

    account_id: int
    seq: int
    sent_seq: int
    allowed: frozenset[int] | None
    #: Events queued behind a snapshot that must be sent first, or for room in the send buffer.
    queued: deque[FeedEvent] | None = None
    #: A refresh to send once ``seq`` has reached it.
    refresh: AccountSnapshot | None = None
    is_refresh_due: bool = False
    is_refreshing: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class EventSubscription:
    """``event_feed.EventListener`` of one socket, between ``open`` and ``close``."""

    request: SubscribeRequest
    principal: Principal
    feed: EventFeed
    snapshots: SnapshotLoader
    marks: PositionMarks
    progress: BacktestProgressFeed
    send_buffer: SendBuffer
    #: Starts a task that ends with the session.
    spawn: Spawn
    _cursors: dict[int, _StreamCursor] = field(default_factory=dict)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def account_ids(self) -> list[int]:
        """The subscribed accounts, ascending; without account 0, the gateway's own stream."""
        return sorted(account_id for account_id in self._cursors if account_id)

    def heads(self) -> Mapping[str, int]:
        """Return the last sequence number of each account's stream."""
        cursors = self._cursors.items()
        return {str(a): max(self.feed.position(a) or 0, cursor.seq) for a, cursor in cursors}

    def open(self, heads: Mapping[int, int], after: Mapping[int, int]) -> None:
        """Begin at ``heads``, resumed accounts after the numbers in ``after``."""
        for account_id, head in heads.items():
            self._cursors[account_id] = _StreamCursor(
                account_id, head, head, self._allowed(account_id)
            )
        self._run(self._open(heads, after))

    def close(self) -> None:
        """End the subscription; nothing more is sent."""
        for task in self._tasks:
            task.cancel()
        self.marks.leave(self)
        self.progress.leave(self)
        self.drop(list(self._cursors))

    def drop(self, account_ids: Iterable[int]) -> None:
        """Remove accounts."""
        for account_id in account_ids:
            if self._cursors.pop(account_id, None) is not None:
                self.feed.leave(account_id, self)

    def set_principal(self, principal: Principal) -> list[int]:
        """Apply current permissions; return the ids of the removed accounts."""
        self.principal = principal
        removed = [
            account_id
            for account_id in self.account_ids
            if refuse_account(principal, Permission.READ, account_id) is not None
        ]
        self.drop(removed)
        for account_id, cursor in self._cursors.items():
            cursor.allowed = self._allowed(account_id)
        return removed

    def on_events(self, account_id: int, events: Sequence[FeedEvent]) -> None:
        """Send live events, or queue them behind a snapshot."""
        cursor = self._cursors.get(account_id)
        if cursor is None:
            return
        if cursor.queued is not None:
            cursor.queued.extend(events)
            if len(cursor.queued) > self.send_buffer.frames_max:
                self.send_buffer.overflow()
            return
        for event in events:
            self._send(cursor, event)
        self._send_due_refresh(cursor)

    def on_gap(self, gap: Gap) -> None:
        """Send a gap that the feed delivered."""
        cursor = self._cursors.get(gap.account_id)
        if cursor is not None:
            cursor.queued = cursor.queued or deque()
            self._run(self._send_gap_and_queue(cursor, gap))

    def on_marks(self, account_id: int, marks: Sequence[MarkOf]) -> Collection[int]:
        """Send the marks that may be seen; none of a frame of which the last one still waits."""
        cursor = self._cursors.get(account_id)
        if cursor is None:
            return ()
        allowed = cursor.allowed
        mine = [each for each in marks if allowed is None or each.position.strategy_id in allowed]
        taken: set[int] = set()
        for start in range(0, len(mine), MARKS_MAX):
            part = mine[start : start + MARKS_MAX]
            rows = ",".join(each.text for each in part)
            payload = f'{{"account_id":{account_id},"marks":[{rows}]}}'
            frame = push_frame("positions_marked", payload, namespace="position")
            if self.send_buffer.put_unless_waiting(("marks", account_id, start), frame):
                taken |= {each.position.id for each in part}
        return taken

    def on_progress(self, user_id: int, run_id: int, payload: dict[str, object]) -> None:
        """Send the progress of a backtest that may be seen, unless the last one still waits."""
        if may_see_of_gateway(self.principal, "research", 0, user_id):
            frame = push_frame("backtest_progress", payload, namespace="research")
            self.send_buffer.put_unless_waiting(("backtest", run_id), frame)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.spawn(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _allowed(self, account_id: int) -> frozenset[int] | None:
        allowed = allowed_strategies(self.principal, account_id)
        requested = self.request.strategy_ids
        if allowed is None or requested is None:
            return requested if allowed is None else allowed
        return allowed & requested

    def _is_subscribed(self, cursor: _StreamCursor) -> bool:
        return self._cursors.get(cursor.account_id) is cursor

    def _send(self, cursor: _StreamCursor, event: FeedEvent) -> None:
        if event.seq <= cursor.seq or not self._is_subscribed(cursor):
            return
        if cursor.refresh is not None and cursor.refresh.seq < event.seq:
            self._send_refresh(cursor)
        cursor.seq = event.seq
        if not self._is_visible(cursor, event):
            return
        text = f'{event.text},"prev_seq":{cursor.sent_seq}}}'
        cursor.sent_seq = event.seq
        self.send_buffer.put(text, event.account_id, event.seq)
        if self.request.refresh and event.event in _DEALS:
            cursor.is_refresh_due = True

    def _send_due_refresh(self, cursor: _StreamCursor) -> None:
        """Send the refresh that the last events have reached; begin the next if one is due."""
        if cursor.refresh is not None and cursor.seq >= cursor.refresh.seq:
            self._send_refresh(cursor)
        if cursor.is_refresh_due and not cursor.is_refreshing:
            cursor.is_refreshing = True
            self._run(self._refresh(cursor))

    def _is_visible(self, cursor: _StreamCursor, event: FeedEvent) -> bool:
        if event.namespace not in self.request.namespaces:
            return False
        if event.account_id == GATEWAY_STREAM:
            subject, user_id = event.subject_account_id, event.subject_user_id
            strategy_id = event.strategy_id
            return may_see_of_gateway(
                self.principal, event.namespace, subject, user_id, strategy_id
            )
        return cursor.allowed is None or event.strategy_id in cursor.allowed

    async def _open(self, heads: Mapping[int, int], after: Mapping[int, int]) -> None:
        """Send each account's replay or snapshot, then ``snapshot_done``, then live events."""
        sent: list[Mapping[str, int]] = []
        with_snapshots = self.request.with_snapshot and "position" in self.request.namespaces
        cursors = [self._cursors[account_id] for account_id in sorted(heads)]
        for cursor in cursors:
            if cursor.account_id in after:
                await self._replay(cursor, after[cursor.account_id], heads[cursor.account_id])
            elif with_snapshots and cursor.account_id and self._is_subscribed(cursor):
                snapshot = await self._read_snapshot(cursor)
                await self.send_buffer.drain()
                cursor.seq = cursor.sent_seq = snapshot.seq
                sent.append(self._send_snapshot(cursor, snapshot, "snapshot"))
        if with_snapshots or after:
            done = {"account_ids": self.account_ids, "accounts": sent}
            self.send_buffer.put(
                push_frame("snapshot_done", done, namespace="position", action="snapshot")
            )
        for cursor in cursors:
            await self._join(cursor)
        if self.request.marks and "position" in self.request.namespaces:
            self.marks.join(self)
        if "research" in self.request.namespaces:
            self.progress.join(self)

    async def _replay(self, cursor: _StreamCursor, after: int, head: int) -> None:
        cursor.seq = cursor.sent_seq = min(after, head)
        if after > head:
            await self._send_gap(cursor, Gap(cursor.account_id, head + 1, after, "ahead"))
        while cursor.seq < head and self._is_subscribed(cursor):
            await self._send_stored(cursor, head)

    async def _join(self, cursor: _StreamCursor) -> None:
        while self._is_subscribed(cursor):
            missed = self.feed.join(cursor.account_id, self, cursor.seq)
            if missed is not None:
                cursor.queued = deque(missed)
                await self._send_queue(cursor)
                return
            await self._send_stored(cursor, self.feed.position(cursor.account_id) or cursor.seq)

    async def _send_stored(self, cursor: _StreamCursor, head: int) -> None:
        """Send the next stored events at the listener's speed."""
        events = await self._retry(lambda: self.feed.read(cursor.account_id, cursor.seq))
        if isinstance(events, Gap):
            await self._send_gap(cursor, events)
            return
        first = events[0].seq if events else head + 1
        if first > cursor.seq + 1:
            gap = Gap(cursor.account_id, cursor.seq + 1, first - 1, "retention")
            await self._send_gap(cursor, gap)
            return
        for event in events:
            await self.send_buffer.drain()
            self._send(cursor, event)

    async def _send_queue(self, cursor: _StreamCursor) -> None:
        """Send the queued events at the listener's speed; then events are sent live."""
        while cursor.queued:
            await self.send_buffer.drain()
            if cursor.queued:
                self._send(cursor, cursor.queued.popleft())
        cursor.queued = None
        self._send_due_refresh(cursor)

    async def _send_gap_and_queue(self, cursor: _StreamCursor, gap: Gap) -> None:
        await self._send_gap(cursor, gap)
        await self._send_queue(cursor)

    async def _send_gap(self, cursor: _StreamCursor, gap: Gap) -> None:
        """Send a gap; with namespace position the current snapshot follows it."""
        last, snapshot = gap.last, None
        cursor.seq = cursor.sent_seq = gap.first - 1 if gap.reason == "ahead" else gap.last
        if "position" in self.request.namespaces and cursor.account_id:
            snapshot = await self._read_snapshot(cursor)
            if gap.reason != "ahead":
                last = max(last, snapshot.seq)
        payload = {
            "account_id": gap.account_id,
            "from": gap.first,
            "to": last,
            "reason": gap.reason,
        }
        await self.send_buffer.drain()
        self.send_buffer.put(push_frame("gap", payload))
        if snapshot is not None:
            cursor.refresh = None
            cursor.seq = cursor.sent_seq = snapshot.seq
            self._send_snapshot(cursor, snapshot, "snapshot")

    async def _refresh(self, cursor: _StreamCursor) -> None:
        """Send the snapshot again, at most once a second, after the events it contains."""
        while cursor.is_refresh_due and self._is_subscribed(cursor):
            await self.send_buffer.drain()
            cursor.is_refresh_due = False
            if cursor.queued is None:
                cursor.queued = deque()
            cursor.refresh = await self._read_snapshot(cursor)
            await self._send_queue(cursor)
            await asyncio.sleep(REFRESH_SECONDS)
        cursor.is_refreshing = False

    def _send_refresh(self, cursor: _StreamCursor) -> None:
        assert cursor.refresh is not None
        snapshot, cursor.refresh = cursor.refresh, None
        self._send_snapshot(cursor, snapshot, "event")

    def _send_snapshot(
        self, cursor: _StreamCursor, snapshot: AccountSnapshot, action: str
    ) -> Mapping[str, int]:
        """Queue the frames of orders and positions; return the entry of ``snapshot_done``.

        A refresh has the last sequence number sent to the listener: events it may not see did not
        change these rows.
        """
        account_id = cursor.account_id
        orders, positions = snapshot.items(cursor.allowed)
        for event, items in (
            ("snapshot_open_orders", orders),
            ("snapshot_open_positions", positions),
        ):
            text = f'{{"account_id":{account_id},"items":{items},"seq":{cursor.sent_seq}}}'
            frame = push_frame(event, text, namespace="position", action=action)
            self.send_buffer.put(frame, is_bulk=True)
        return {
            "account_id": account_id,
            "open_orders": len(snapshot.orders(cursor.allowed)),
            "open_positions": len(snapshot.positions(cursor.allowed)),
            "seq": cursor.sent_seq,
        }

    async def _read_snapshot(self, cursor: _StreamCursor) -> AccountSnapshot:
        return await self._retry(lambda: self.snapshots(cursor.account_id, cursor.seq))

    async def _retry(self, read: Callable[[], Awaitable[Value]]) -> Value:
        """Return the result of ``read``, retried while the database is unavailable."""
        while True:
            try:
                return await read()
            except Unavailable as error:
                logger.warning("stream_read_retry", extra={"reason": error.message})
                await asyncio.sleep(RETRY_SECONDS)
