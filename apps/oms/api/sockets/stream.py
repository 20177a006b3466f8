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

from oms.api.feed import Feed, FeedEvent, Gap
from oms.api.sockets.frames import push
from oms.api.sockets.outbox import Outbox
from oms.api.sockets.pictures import Picture, Pictures
from oms.api.sockets.subscribe import SubscribeWish
from oms.domain.access import Permission, Principal, Role, allowed_strategies, refuse_account
from oms.domain.errors import Unavailable

REFRESH_SECONDS = 1.0
RETRY_SECONDS = 0.5
_DEALS = frozenset({"deal_created", "deal_updated", "deal_deleted"})

logger = logging.getLogger(__name__)

Value = TypeVar("Value")
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


@dataclass(slots=True, eq=False)
class _Place:
    """Where one account is: ``seq`` handled, ``told`` the last number this listener knows of."""

    account_id: int
    seq: int
    told: int
    allowed: frozenset[int] | None
    #: Events that wait: for a picture that must come before them, or for room.
    held: deque[FeedEvent] | None = None
    #: A refresh to show once ``seq`` has reached it.
    picture: Picture | None = None
    is_refresh_due: bool = False
    is_refreshing: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Subscription:
    """``feed.Listener`` of one socket; ``open`` begins it, ``close`` ends it."""

    wish: SubscribeWish
    principal: Principal
    feed: Feed
    pictures: Pictures
    outbox: Outbox
    #: Runs a task of the session's, which ends with it.
    spawn: Spawn
    _places: dict[int, _Place] = field(default_factory=dict)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def account_ids(self) -> list[int]:
        """The accounts that are listened to, ascending; without the house's own stream."""
        return sorted(account_id for account_id in self._places if account_id)

    def heads(self) -> Mapping[str, int]:
        """How far each account's stream is."""
        places = self._places.items()
        return {str(a): max(self.feed.position(a) or 0, place.seq) for a, place in places}

    def open(self, heads: Mapping[int, int], after: Mapping[int, int]) -> None:
        """Begin: ``heads`` as they were told, ``after`` where resumed accounts begin."""
        for account_id, head in heads.items():
            self._places[account_id] = _Place(account_id, head, head, self._allowed(account_id))
        self._run(self._open(heads, after))

    def close(self) -> None:
        """End it; nothing is told any more."""
        for task in self._tasks:
            task.cancel()
        self.drop(list(self._places))

    def drop(self, account_ids: Iterable[int]) -> None:
        """Listen no more to these."""
        for account_id in account_ids:
            if self._places.pop(account_id, None) is not None:
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
        for account_id, place in self._places.items():
            place.allowed = self._allowed(account_id)
        return lost

    def told(self, account_id: int, events: Sequence[FeedEvent]) -> None:
        """Live events."""
        place = self._places.get(account_id)
        if place is None:
            return
        if place.held is not None:
            place.held.extend(events)
            if len(place.held) > self.outbox.frames_max:
                self.outbox.overflow()
            return
        for event in events:
            self._tell(place, event)
        self._settle(place)

    def gapped(self, gap: Gap) -> None:
        """Numbers that will not come, met by the feed."""
        place = self._places.get(gap.account_id)
        if place is not None:
            place.held = place.held or deque()
            self._run(self._bridge(place, gap))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.spawn(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _allowed(self, account_id: int) -> frozenset[int] | None:
        mine, asked = allowed_strategies(self.principal, account_id), self.wish.strategy_ids
        if mine is None or asked is None:
            return asked if mine is None else mine
        return mine & asked

    def _is_here(self, place: _Place) -> bool:
        return self._places.get(place.account_id) is place

    def _tell(self, place: _Place, event: FeedEvent) -> None:
        if event.seq <= place.seq or not self._is_here(place):
            return
        if place.picture is not None and place.picture.seq < event.seq:
            self._show_refresh(place)
        place.seq = event.seq
        if not self._is_seen(place, event):
            return
        text = f'{event.text},"prev_seq":{place.told}}}'
        place.told = event.seq
        self.outbox.put(text, event.account_id, event.seq)
        if self.wish.refresh and event.event in _DEALS:
            place.is_refresh_due = True

    def _settle(self, place: _Place) -> None:
        """After events were told: show the refresh that waited for them, begin the next."""
        if place.picture is not None and place.seq >= place.picture.seq:
            self._show_refresh(place)
        if place.is_refresh_due and not place.is_refreshing:
            place.is_refreshing = True
            self._run(self._refresh(place))

    def _is_seen(self, place: _Place, event: FeedEvent) -> bool:
        if event.namespace not in self.wish.namespaces:
            return False
        if event.account_id == 0:
            if self.principal.role in (Role.ADMIN, Role.RISK) or event.namespace == "market":
                return True
            return event.about > 0 and self._may_read(event.about)
        return place.allowed is None or event.strategy_id in place.allowed

    def _may_read(self, account_id: int) -> bool:
        return refuse_account(self.principal, Permission.READ, account_id) is None

    async def _open(self, heads: Mapping[int, int], after: Mapping[int, int]) -> None:
        """Each account's replay or snapshot, then ``snapshot_done``, then live."""
        shown: list[Mapping[str, int]] = []
        wants_pictures = self.wish.with_snapshot and "position" in self.wish.namespaces
        places = [self._places[account_id] for account_id in sorted(heads)]
        for place in places:
            if place.account_id in after:
                await self._replay(place, after[place.account_id], heads[place.account_id])
            elif wants_pictures and place.account_id and self._is_here(place):
                picture = await self._steadily(self._picture_of(place))
                await self.outbox.eased()
                place.seq = place.told = picture.seq
                shown.append(self._show(place, picture, "snapshot"))
        if wants_pictures or after:
            done = {"account_ids": self.account_ids, "accounts": shown}
            self.outbox.put(push("snapshot_done", done, namespace="position", action="snapshot"))
        for place in places:
            await self._join(place)

    async def _replay(self, place: _Place, after: int, head: int) -> None:
        place.seq = place.told = min(after, head)
        if after > head:
            await self._over(place, Gap(place.account_id, head + 1, after, "ahead"))
        while place.seq < head and self._is_here(place):
            await self._read_on(place, head)

    async def _join(self, place: _Place) -> None:
        while self._is_here(place):
            missed = self.feed.join(place.account_id, self, place.seq)
            if missed is not None:
                place.held = deque(missed)
                await self._release(place)
                return
            await self._read_on(place, self.feed.position(place.account_id) or place.seq)

    async def _read_on(self, place: _Place, head: int) -> None:
        """Tell what the database holds next, as fast as the listener takes it."""
        events = await self._steadily(lambda: self.feed.read(place.account_id, place.seq))
        first = events[0].seq if events else head + 1
        if first > place.seq + 1:
            await self._over(place, Gap(place.account_id, place.seq + 1, first - 1, "retention"))
            return
        for event in events:
            await self.outbox.eased()
            self._tell(place, event)

    async def _release(self, place: _Place) -> None:
        """Tell what was held, as fast as the listener takes it; then live."""
        while place.held:
            await self.outbox.eased()
            if place.held:
                self._tell(place, place.held.popleft())
        place.held = None
        self._settle(place)

    async def _bridge(self, place: _Place, gap: Gap) -> None:
        await self._over(place, gap)
        await self._release(place)

    async def _over(self, place: _Place, gap: Gap) -> None:
        """Tell of a gap; with namespace position what is true now follows it."""
        last, picture = gap.last, None
        place.seq = place.told = gap.last if gap.reason == "retention" else gap.first - 1
        if "position" in self.wish.namespaces and place.account_id:
            picture = await self._steadily(self._picture_of(place))
            if gap.reason == "retention":
                last = max(last, picture.seq)
        told = {"account_id": gap.account_id, "from": gap.first, "to": last, "reason": gap.reason}
        await self.outbox.eased()
        self.outbox.put(push("gap", told))
        if picture is not None:
            place.picture = None
            place.seq = place.told = picture.seq
            self._show(place, picture, "snapshot")

    async def _refresh(self, place: _Place) -> None:
        """The pair of snapshots again, at most once a second, behind the events it holds."""
        while place.is_refresh_due and self._is_here(place):
            await self.outbox.eased()
            place.is_refresh_due = False
            if place.held is None:
                place.held = deque()
            place.picture = await self._steadily(self._picture_of(place))
            await self._release(place)
            await asyncio.sleep(REFRESH_SECONDS)
        place.is_refreshing = False

    def _show_refresh(self, place: _Place) -> None:
        assert place.picture is not None
        picture, place.picture = place.picture, None
        self._show(place, picture, "event")

    def _show(self, place: _Place, picture: Picture, action: str) -> Mapping[str, int]:
        """Put the pair of frames; the entry of ``snapshot_done``.

        A refresh tells the last number that the listener knows: what he may not see changed none
        of these rows.
        """
        account_id = place.account_id
        orders, positions = picture.items(place.allowed)
        for event, items in (
            ("snapshot_open_orders", orders),
            ("snapshot_open_positions", positions),
        ):
            text = f'{{"account_id":{account_id},"items":{items},"seq":{place.told}}}'
            frame = push(event, text, namespace="position", action=action)
            self.outbox.put(frame, is_bulk=True)
        return {
            "account_id": account_id,
            "open_orders": len(picture.orders(place.allowed)),
            "open_positions": len(picture.positions(place.allowed)),
            "seq": place.told,
        }

    def _picture_of(self, place: _Place) -> Callable[[], Awaitable[Picture]]:
        return lambda: self.pictures(place.account_id, place.seq)

    async def _steadily(self, ask: Callable[[], Awaitable[Value]]) -> Value:
        """What ``ask`` answers, asked until the database does."""
        while True:
            try:
                return await ask()
            except Unavailable as lost:
                logger.warning("stream_waits", extra={"reason": lost.message})
                await asyncio.sleep(RETRY_SECONDS)
