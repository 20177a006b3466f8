"""One listener's subscription: beginning, catching up, live events, refreshes. One per socket.

Each account has a place: how far its stream was handled here. An account begins with a snapshot
or a replay, reads what came meanwhile, and joins the feed at exactly the number it has reached,
so nothing is lost or told twice. What this listener may not see moves the place and nothing else.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from oms.api.websocket.account_snapshots import AccountSnapshot, SnapshotLoader
from oms.api.websocket.event_feed import EventFeed, FeedEvent, Gap
from oms.api.websocket.frames import push_frame
from oms.api.websocket.send_buffer import SendBuffer
from oms.api.websocket.subscribe_request import SubscribeRequest
from oms.domain.access import Permission, Principal, Role, allowed_strategies, refuse_account
from oms.domain.errors import Unavailable

REFRESH_SECONDS = 1.0
RETRY_SECONDS = 0.5
_DEALS = frozenset({"deal_created", "deal_updated", "deal_deleted"})

logger = logging.getLogger(__name__)

Value = TypeVar("Value")
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


@dataclass(slots=True, eq=False)
class _StreamCursor:
    """Where one account is: ``seq`` handled, ``told`` the last number this listener knows of."""

    account_id: int
    seq: int
    told: int
    allowed: frozenset[int] | None
    #: Events that wait: for a picture that must come before them, or for room.
    held: deque[FeedEvent] | None = None
    #: A refresh to show once ``seq`` has reached it.
    picture: AccountSnapshot | None = None
    is_refresh_due: bool = False
    is_refreshing: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class EventSubscription:
    """``feed.Listener`` of one socket; ``open`` begins it, ``close`` ends it."""

    wish: SubscribeRequest
    principal: Principal
    feed: EventFeed
    snapshots: SnapshotLoader
    send_buffer: SendBuffer
    #: Runs a task of the session's, which ends with it.
    spawn: Spawn
    _cursors: dict[int, _StreamCursor] = field(default_factory=dict)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def account_ids(self) -> list[int]:
        """The accounts that are listened to, ascending; without the house's own stream."""
        return sorted(account_id for account_id in self._cursors if account_id)

    def heads(self) -> Mapping[str, int]:
        """How far each account's stream is."""
        cursors = self._cursors.items()
        return {str(a): max(self.feed.position(a) or 0, cursor.seq) for a, cursor in cursors}

    def open(self, heads: Mapping[int, int], after: Mapping[int, int]) -> None:
        """Begin: ``heads`` as they were told, ``after`` where resumed accounts begin."""
        for account_id, head in heads.items():
            self._cursors[account_id] = _StreamCursor(
                account_id, head, head, self._allowed(account_id)
            )
        self._run(self._open(heads, after))

    def close(self) -> None:
        """End it; nothing is told any more."""
        for task in self._tasks:
            task.cancel()
        self.drop(list(self._cursors))

    def drop(self, account_ids: Iterable[int]) -> None:
        """Listen no more to these."""
        for account_id in account_ids:
            if self._cursors.pop(account_id, None) is not None:
                self.feed.leave(account_id, self)

    def narrow(self, principal: Principal) -> list[int]:
        """Go on with these rights; the accounts that are lost with them."""
        self.principal = principal
        lost = [
            account_id
            for account_id in self.account_ids
            if refuse_account(principal, Permission.READ, account_id) is not None
        ]
        self.drop(lost)
        for account_id, cursor in self._cursors.items():
            cursor.allowed = self._allowed(account_id)
        return lost

    def told(self, account_id: int, events: Sequence[FeedEvent]) -> None:
        """Live events."""
        cursor = self._cursors.get(account_id)
        if cursor is None:
            return
        if cursor.held is not None:
            cursor.held.extend(events)
            if len(cursor.held) > self.send_buffer.frames_max:
                self.send_buffer.overflow()
            return
        for event in events:
            self._tell(cursor, event)
        self._settle(cursor)

    def on_gap(self, gap: Gap) -> None:
        """Numbers that will not come, met by the feed."""
        cursor = self._cursors.get(gap.account_id)
        if cursor is not None:
            cursor.held = cursor.held or deque()
            self._run(self._bridge(cursor, gap))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.spawn(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _allowed(self, account_id: int) -> frozenset[int] | None:
        mine, asked = allowed_strategies(self.principal, account_id), self.wish.strategy_ids
        if mine is None or asked is None:
            return asked if mine is None else mine
        return mine & asked

    def _is_here(self, cursor: _StreamCursor) -> bool:
        return self._cursors.get(cursor.account_id) is cursor

    def _tell(self, cursor: _StreamCursor, event: FeedEvent) -> None:
        if event.seq <= cursor.seq or not self._is_here(cursor):
            return
        if cursor.picture is not None and cursor.picture.seq < event.seq:
            self._show_refresh(cursor)
        cursor.seq = event.seq
        if not self._is_seen(cursor, event):
            return
        text = f'{event.text},"prev_seq":{cursor.told}}}'
        cursor.told = event.seq
        self.send_buffer.put(text, event.account_id, event.seq)
        if self.wish.refresh and event.event in _DEALS:
            cursor.is_refresh_due = True

    def _settle(self, cursor: _StreamCursor) -> None:
        """After events were told: show the refresh that waited for them, begin the next."""
        if cursor.picture is not None and cursor.seq >= cursor.picture.seq:
            self._show_refresh(cursor)
        if cursor.is_refresh_due and not cursor.is_refreshing:
            cursor.is_refreshing = True
            self._run(self._refresh(cursor))

    def _is_seen(self, cursor: _StreamCursor, event: FeedEvent) -> bool:
        if event.namespace not in self.wish.namespaces:
            return False
        if event.account_id == 0:
            if self.principal.role in (Role.ADMIN, Role.RISK) or event.namespace == "market":
                return True
            return event.subject_account_id > 0 and self._may_read(event.subject_account_id)
        return cursor.allowed is None or event.strategy_id in cursor.allowed

    def _may_read(self, account_id: int) -> bool:
        return refuse_account(self.principal, Permission.READ, account_id) is None

    async def _open(self, heads: Mapping[int, int], after: Mapping[int, int]) -> None:
        """Each account's replay or snapshot, then ``snapshot_done``, then live."""
        shown: list[Mapping[str, int]] = []
        wants_pictures = self.wish.with_snapshot and "position" in self.wish.namespaces
        cursors = [self._cursors[account_id] for account_id in sorted(heads)]
        for cursor in cursors:
            if cursor.account_id in after:
                await self._replay(cursor, after[cursor.account_id], heads[cursor.account_id])
            elif wants_pictures and cursor.account_id and self._is_here(cursor):
                picture = await self._steadily(self._picture_of(cursor))
                await self.send_buffer.drain()
                cursor.seq = cursor.told = picture.seq
                shown.append(self._show(cursor, picture, "snapshot"))
        if wants_pictures or after:
            done = {"account_ids": self.account_ids, "accounts": shown}
            self.send_buffer.put(
                push_frame("snapshot_done", done, namespace="position", action="snapshot")
            )
        for cursor in cursors:
            await self._join(cursor)

    async def _replay(self, cursor: _StreamCursor, after: int, head: int) -> None:
        cursor.seq = cursor.told = min(after, head)
        if after > head:
            await self._over(cursor, Gap(cursor.account_id, head + 1, after, "ahead"))
        while cursor.seq < head and self._is_here(cursor):
            await self._read_on(cursor, head)

    async def _join(self, cursor: _StreamCursor) -> None:
        while self._is_here(cursor):
            missed = self.feed.join(cursor.account_id, self, cursor.seq)
            if missed is not None:
                cursor.held = deque(missed)
                await self._release(cursor)
                return
            await self._read_on(cursor, self.feed.position(cursor.account_id) or cursor.seq)

    async def _read_on(self, cursor: _StreamCursor, head: int) -> None:
        """Tell what the database holds next, as fast as the listener takes it."""
        events = await self._steadily(lambda: self.feed.read(cursor.account_id, cursor.seq))
        first = events[0].seq if events else head + 1
        if first > cursor.seq + 1:
            await self._over(cursor, Gap(cursor.account_id, cursor.seq + 1, first - 1, "retention"))
            return
        for event in events:
            await self.send_buffer.drain()
            self._tell(cursor, event)

    async def _release(self, cursor: _StreamCursor) -> None:
        """Tell what was held, as fast as the listener takes it; then live."""
        while cursor.held:
            await self.send_buffer.drain()
            if cursor.held:
                self._tell(cursor, cursor.held.popleft())
        cursor.held = None
        self._settle(cursor)

    async def _bridge(self, cursor: _StreamCursor, gap: Gap) -> None:
        await self._over(cursor, gap)
        await self._release(cursor)

    async def _over(self, cursor: _StreamCursor, gap: Gap) -> None:
        """Tell of a gap; with namespace position what is true now follows it."""
        last, picture = gap.last, None
        cursor.seq = cursor.told = gap.last if gap.reason == "retention" else gap.first - 1
        if "position" in self.wish.namespaces and cursor.account_id:
            picture = await self._steadily(self._picture_of(cursor))
            if gap.reason == "retention":
                last = max(last, picture.seq)
        told = {"account_id": gap.account_id, "from": gap.first, "to": last, "reason": gap.reason}
        await self.send_buffer.drain()
        self.send_buffer.put(push_frame("gap", told))
        if picture is not None:
            cursor.picture = None
            cursor.seq = cursor.told = picture.seq
            self._show(cursor, picture, "snapshot")

    async def _refresh(self, cursor: _StreamCursor) -> None:
        """The pair of snapshots again, at most once a second, behind the events it holds."""
        while cursor.is_refresh_due and self._is_here(cursor):
            await self.send_buffer.drain()
            cursor.is_refresh_due = False
            if cursor.held is None:
                cursor.held = deque()
            cursor.picture = await self._steadily(self._picture_of(cursor))
            await self._release(cursor)
            await asyncio.sleep(REFRESH_SECONDS)
        cursor.is_refreshing = False

    def _show_refresh(self, cursor: _StreamCursor) -> None:
        assert cursor.picture is not None
        picture, cursor.picture = cursor.picture, None
        self._show(cursor, picture, "event")

    def _show(
        self, cursor: _StreamCursor, picture: AccountSnapshot, action: str
    ) -> Mapping[str, int]:
        """Put the pair of frames; the entry of ``snapshot_done``.

        A refresh tells the last number that the listener knows: what he may not see changed none
        of these rows.
        """
        account_id = cursor.account_id
        orders, positions = picture.items(cursor.allowed)
        for event, items in (
            ("snapshot_open_orders", orders),
            ("snapshot_open_positions", positions),
        ):
            text = f'{{"account_id":{account_id},"items":{items},"seq":{cursor.told}}}'
            frame = push_frame(event, text, namespace="position", action=action)
            self.send_buffer.put(frame, is_bulk=True)
        return {
            "account_id": account_id,
            "open_orders": len(picture.orders(cursor.allowed)),
            "open_positions": len(picture.positions(cursor.allowed)),
            "seq": cursor.told,
        }

    def _picture_of(self, cursor: _StreamCursor) -> Callable[[], Awaitable[AccountSnapshot]]:
        return lambda: self.snapshots(cursor.account_id, cursor.seq)

    async def _steadily(self, ask: Callable[[], Awaitable[Value]]) -> Value:
        """What ``ask`` answers, asked until the database does."""
        while True:
            try:
                return await ask()
            except Unavailable as lost:
                logger.warning("stream_waits", extra={"reason": lost.message})
                await asyncio.sleep(RETRY_SECONDS)
